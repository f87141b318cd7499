import { StateError } from "../event/errors.ts";
import { type Readiness, Ready } from "../event/host.ts";
import type { Loop } from "../event/loop.ts";
import type { Transport, TransportListener } from "../event/transport.ts";
import type { Watch } from "../event/watch.ts";
import * as libc from "./libc.ts";
import { SendQueue } from "./send-queue.ts";
import { type Credentials, connectSocket, credentialsOf, groupsOfPeer, pairSockets } from "./socket.ts";
import { maxFds, type Received, receiveMessage } from "./socket-message.ts";

/** Connects to a daemon's socket. Throws SystemError at once: ENOENT, ECONNREFUSED, EACCES, EAGAIN (its queue is full). */
export function connectUnix(loop: Loop, path: string): UnixTransport {
  return new UnixTransport(loop, connectSocket(path));
}

/** Two transports connected with each other. */
export function pairUnix(loop: Loop, otherLoop: Loop = loop): [UnixTransport, UnixTransport] {
  const [one, other] = pairSockets();
  return [new UnixTransport(loop, one), new UnixTransport(otherLoop, other)];
}

/**
 * A connection over a Unix socket, with passed descriptors both ways and the peer's credentials.
 *
 *     idle -> open -> closed
 *
 * open, send, close: as Transport says. send: StateError while idle.
 * When sending fails, what the peer has still sent is delivered; then the connection closes, with the failure as cause.
 * When the peer ends its side, what waits for it is still sent; then the connection closes without a cause.
 * While paused, and with nothing to send, the peer's leaving stays unseen until `resume`.
 * A loop that closes takes its open transports along; one that is still idle is its owner's to close.
 */
export class UnixTransport implements Transport {
  readonly peer: Credentials;
  readonly #loop: Loop;
  readonly #fd: number;
  readonly #queue: SendQueue;
  #state: "idle" | "open" | "closed" = "idle";
  /** From open on. */
  #watch: Watch | undefined;
  #listener: TransportListener | undefined;
  #paused = false;
  /** The peer's side of the stream is at its end. */
  #ended = false;
  /** Why nothing can be sent any more, while what was received is still read. */
  #broken: Error | undefined;
  #cause: Error | undefined;

  /** Takes over `fd`, a connected and non-blocking Unix stream socket. */
  constructor(loop: Loop, fd: number) {
    this.#loop = loop;
    this.#fd = fd;
    this.#queue = new SendQueue(fd);
    this.peer = credentialsOf(fd);
  }

  get state(): "idle" | "open" | "closed" {
    return this.#state;
  }

  /** Asked of the kernel: to be read while the connection is not closed. */
  get peerGroups(): readonly number[] {
    return groupsOfPeer(this.#fd);
  }

  get backlog(): number {
    return this.#queue.size;
  }

  open(listener: TransportListener): void {
    if (this.#state !== "idle") throw new StateError(`the connection is ${this.#state}: it can be opened once`);
    this.#watch = this.#loop.watch(this.#fd, Ready.readable, (ready) => this.#onReady(ready), {
      name: `connection on fd ${this.#fd}`,
      release: () => this.#finish(),
    });
    this.#listener = listener;
    this.#state = "open";
    this.#ask();
  }

  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (this.#state === "idle") throw new StateError("the connection is not open yet: open it before sending");
    if (fds.length > 0 && bytes.length === 0) throw new RangeError("descriptors need at least one byte to go with");
    if (fds.length > maxFds) throw new RangeError(`at most ${maxFds} descriptors go at once, not ${fds.length}`);
    if (this.#state === "closed" || this.#broken !== undefined || bytes.length === 0) return;
    this.#attempt(() => this.#queue.send(bytes, fds));
    this.#ask();
  }

  pause(): void {
    this.#paused = true;
    this.#ask();
  }

  resume(): void {
    this.#paused = false;
    this.#ask();
  }

  close(cause?: Error): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#cause = cause;
    if (this.#broken === undefined) this.#attempt(() => this.#queue.flush());
    this.#queue.drop();
    if (wasOpen) this.#watch?.remove();
    else libc.close(this.#fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#watch?.closed;
  }

  #onReady(ready: Readiness): void {
    const canRead = !this.#paused && !this.#ended && (ready & ~Ready.writable) !== 0;
    const hasRead = canRead && this.#receive();
    if (this.#state !== "open") return;
    if (this.#queue.size > 0 && (ready & ~Ready.readable) !== 0) this.#flush();
    // What the peer had sent is heard to the end first.
    if (this.#broken !== undefined && !hasRead) this.close(this.#broken);
  }

  /** One message a turn, so that a busy peer does not keep the others waiting. False when there was nothing. */
  #receive(): boolean {
    let received: Received | undefined;
    try {
      received = receiveMessage(this.#fd);
    } catch (error) {
      this.close(error as Error);
      return false;
    }
    if (received === undefined) return false;
    if (received.bytes.length > 0) this.#listener?.onData(received.bytes, received.fds);
    else this.#end();
    return true;
  }

  /** The peer sends no more, but may still be listening for what waits here. */
  #end(): void {
    this.#ended = true;
    if (this.#queue.size === 0) this.close(this.#broken);
    else this.#ask();
  }

  #flush(): void {
    this.#attempt(() => this.#queue.flush());
    this.#ask();
    if (this.#queue.size > 0 || this.#broken !== undefined) return;
    if (this.#ended) this.close();
    else this.#listener?.onDrain?.();
  }

  #attempt(sending: () => void): void {
    try {
      sending();
    } catch (error) {
      this.#broken = error as Error;
      this.#queue.drop();
    }
  }

  /** A broken connection asks to write, which is always possible then: so the next turn ends it. */
  #ask(): void {
    if (this.#state !== "open") return;
    const readable = this.#paused || this.#ended ? Ready.none : Ready.readable;
    const writable = this.#queue.size > 0 || this.#broken !== undefined ? Ready.writable : Ready.none;
    this.#watch?.modify(readable | writable);
  }

  /** The watch is gone, so nobody in the loop knows the number any more when it is given back. */
  #finish(): void {
    this.#state = "closed";
    this.#queue.drop();
    libc.close(this.#fd);
    this.#listener?.onClose(this.#cause);
  }
}
