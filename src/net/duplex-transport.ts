import type { Duplex } from "node:stream";
import { type Loop, StateError, type Transport, type TransportListener } from "../event/index.ts";
import type { Inlet } from "./inlet.ts";

/** Bytes handed on in one turn; others have theirs in between. */
const share = 262_144;

export interface DuplexOptions {
  /** Settles with what is behind the end of the stream, where more is known than the stream tells. */
  readonly reason?: Promise<Error | undefined>;
  /** What the stream reads goes there. */
  readonly inlet?: Inlet;
}

/**
 * A connection over any stream of Node's: a socket, TLS, a process.
 *
 *     idle -> open -> closed
 *
 * open, send, close: as Transport says. Descriptors cannot be passed.
 */
export class DuplexTransport implements Transport {
  readonly #loop: Loop;
  readonly #stream: Duplex;
  readonly #reason: Promise<Error | undefined> | undefined;
  readonly #inlet: Inlet | undefined;
  #listener: TransportListener | undefined;
  #state: "idle" | "open" | "closed" = "idle";
  #paused = false;
  #scheduled = false;
  /** Somebody has seen a backlog. */
  #owesDrain = false;
  readonly #onWritten = (): void => this.#onSent();
  readonly #onTurn = (): void => this.#deliver();
  /** The peer has sent all that it will; or why it cannot. */
  #ended: { readonly cause: Error | undefined } | undefined;

  constructor(loop: Loop, stream: Duplex, { reason, inlet }: DuplexOptions = {}) {
    this.#loop = loop;
    this.#stream = stream;
    this.#reason = reason;
    this.#inlet = inlet;
    // From here on: an error that nobody hears would end the process.
    stream.on("error", (error) => this.#onEnd(error));
    stream.on("end", () => this.#onEnd(undefined));
    stream.on("close", () => this.#onEnd(undefined));
    if (inlet === undefined) stream.on("readable", () => this.#schedule());
    else {
      // A reply is not to wait for another turn.
      inlet.onBytes = () => this.#schedule("now");
      // It has nothing to say but its end.
      stream.resume();
    }
  }

  get backlog(): number {
    return this.#stream.writableLength;
  }

  open(listener: TransportListener): void {
    if (this.#state !== "idle") throw new StateError(`the connection is ${this.#state}: it can be opened once`);
    this.#state = "open";
    this.#listener = listener;
    this.#schedule();
  }

  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (this.#state === "idle") throw new StateError("the connection is not open yet: open it before sending");
    if (fds.length > 0) throw new StateError("descriptors cannot be passed on this connection");
    if (this.#state === "closed" || bytes.length === 0 || !this.#stream.writable) return;
    this.#stream.write(bytes, this.#onWritten);
    // Mostly the kernel has taken it by now.
    this.#owesDrain ||= this.#stream.writableLength > 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(cause?: Error): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#stream.end();
    // What the peer takes without waiting is out by then.
    setImmediate(() => this.#stream.destroy());
    const listener = this.#listener;
    if (wasOpen) this.#loop.post(() => listener?.onClose(cause));
  }

  #schedule(when: "now" | "soon" = "soon"): void {
    if (this.#scheduled || this.#paused || this.#state !== "open") return;
    this.#scheduled = true;
    const isAccepted = when === "now" ? this.#loop.enter(this.#onTurn) : this.#loop.post(this.#onTurn);
    if (!isAccepted) this.#scheduled = false;
  }

  #deliver(): void {
    this.#scheduled = false;
    for (let taken = 0; taken < share && !this.#paused && this.#state === "open"; ) {
      const bytes = this.#read();
      if (bytes === null) break;
      taken += bytes.length;
      this.#listener?.onData(bytes, []);
    }
    if (this.#paused || this.#state !== "open") return;
    if (this.#inlet?.length ?? this.#stream.readableLength) this.#schedule();
    else if (this.#ended !== undefined) this.#finish(this.#ended.cause);
  }

  #read(): Uint8Array | null {
    if (this.#inlet === undefined) return this.#stream.read() as Uint8Array | null;
    return this.#inlet.take(() => this.#stream.resume());
  }

  #finish(cause: Error | undefined): void {
    if (this.#reason === undefined) return this.close(cause);
    // Whoever settles it sees to that it does not take long.
    this.#reason.then(
      (reason) => this.close(reason ?? cause),
      () => this.close(cause),
    );
  }

  #onSent(): void {
    if (!this.#owesDrain || this.backlog > 0) return;
    this.#owesDrain = false;
    this.#loop.post(() => {
      if (this.backlog === 0 && this.#state === "open") this.#listener?.onDrain?.();
    });
  }

  /** What has come before is delivered first. */
  #onEnd(cause: Error | undefined): void {
    this.#ended ??= { cause };
    this.#schedule();
  }
}
