import {
  type Loop,
  OverflowError,
  StateError,
  type Timeout,
  type Transport,
  type TransportListener,
} from "../event/index.ts";

/** What is used of a browser's WebSocket. */
export type WebSocketLike = Pick<WebSocket, "addEventListener" | "binaryType" | "bufferedAmount" | "close" | "send">;

/** Bytes handed on in one turn; others have theirs in between. */
const share = 262_144;
/** So much counts as taken, as what is in a kernel's buffer does. */
const room = 262_144;
/** A browser does not tell when it has sent something, in ms. */
const lookEvery = 10;
/** A browser reads on while nobody wants to hear it: more than this, in bytes, ends the connection. */
const longestQueue = 67_108_864;

/**
 * A connection over a WebSocket that is open: in binary messages, of which the ends mean nothing.
 *
 *     idle -> open -> closed
 *
 * open, send, close: as Transport says. Descriptors cannot be passed.
 */
export class WebSocketTransport implements Transport {
  readonly #loop: Loop;
  readonly #socket: WebSocketLike;
  #listener: TransportListener | undefined;
  #state: "idle" | "open" | "closed" = "idle";
  #queue: Uint8Array[] = [];
  #queued = 0;
  #paused = false;
  #scheduled = false;
  /** While more is under way than there is room for. */
  #look: Timeout | undefined;
  /** The other end has closed; or why it could not go on. */
  #ended: { readonly cause: Error | undefined } | undefined;

  constructor(loop: Loop, socket: WebSocketLike) {
    this.#loop = loop;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#onMessage(data));
    socket.addEventListener("close", ({ code }) => this.#onEnd(code === normal ? undefined : brokenOff(code)));
  }

  get backlog(): number {
    return this.#state === "closed" ? 0 : Math.max(0, this.#socket.bufferedAmount - room);
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
    if (this.#state === "closed" || bytes.length === 0) return;
    this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
    if (this.backlog > 0) this.#awaitDrain();
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
    this.#look?.remove();
    this.#queue = [];
    // What was sent before goes out first.
    this.#socket.close();
    const listener = this.#listener;
    if (wasOpen) this.#loop.post(() => listener?.onClose(cause));
  }

  #onMessage(data: unknown): void {
    if (this.#state === "closed" || this.#ended !== undefined) return;
    if (!(data instanceof ArrayBuffer)) return this.close(new TypeError("the server has sent text, and not bytes"));
    this.#queue.push(new Uint8Array(data));
    this.#queued += data.byteLength;
    if (this.#queued <= longestQueue) return this.#schedule();
    this.close(new OverflowError(`${this.#queued} bytes wait that nobody reads`));
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#state !== "open") return;
    this.#scheduled = this.#loop.post(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    for (let taken = 0; taken < share && !this.#paused && this.#state === "open"; ) {
      const bytes = this.#queue.shift();
      if (bytes === undefined) break;
      this.#queued -= bytes.length;
      taken += bytes.length;
      this.#listener?.onData(bytes, []);
    }
    if (this.#paused || this.#state !== "open") return;
    if (this.#queue.length > 0) this.#schedule();
    else if (this.#ended !== undefined) this.close(this.#ended.cause);
  }

  #awaitDrain(): void {
    const options = { every: lookEvery, name: "drain" };
    this.#look ??= this.#loop.timeout(this.#loop.now() + lookEvery, () => this.#lookForDrain(), options);
  }

  #lookForDrain(): void {
    if (this.backlog > 0) return;
    this.#look?.remove();
    this.#look = undefined;
    this.#listener?.onDrain?.();
  }

  /** What has come before is delivered first. */
  #onEnd(cause: Error | undefined): void {
    this.#ended ??= { cause };
    this.#schedule();
  }
}

/** Of RFC 6455: what there was to do is done. */
const normal = 1_000;

function brokenOff(code: number): Error {
  return new Error(`the WebSocket was broken off, with code ${code}`);
}
