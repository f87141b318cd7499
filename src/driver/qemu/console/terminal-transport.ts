import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import {
  type Loop,
  Ready,
  StateError,
  type Transport,
  type TransportListener,
  type Watch,
} from "../../../event/index.ts";

const chunk = 65_536;

/**
 * A pseudo terminal that QEMU has opened, as a Transport. Without descriptors.
 *
 *     idle -> open -> closed
 *
 * It closes without a cause when QEMU's end is gone.
 */
export class TerminalTransport implements Transport {
  readonly #loop: Loop;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(chunk);
  readonly #queue: Uint8Array[] = [];
  #listener: TransportListener | undefined;
  #watch: Watch | undefined;
  #paused = false;
  #closed = false;

  /** Throws the system's error when the terminal is not there. */
  constructor(loop: Loop, path: string) {
    this.#loop = loop;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  }

  get backlog(): number {
    return this.#queue.reduce((sum, { length }) => sum + length, 0);
  }

  open(listener: TransportListener): void {
    if (this.#listener !== undefined) throw new StateError("the terminal is open already");
    this.#listener = listener;
    if (this.#closed) return;
    this.#watch = this.#loop.watch(this.#fd, this.#interest(), (ready) => this.#onReady(ready));
  }

  send(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    // A copy, as the caller may use its buffer again.
    this.#queue.push(new Uint8Array(bytes));
    this.#flush();
  }

  pause(): void {
    this.#paused = true;
    this.#watch?.modify(this.#interest());
  }

  resume(): void {
    this.#paused = false;
    this.#watch?.modify(this.#interest());
  }

  close(cause?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.length = 0;
    this.#watch?.remove();
    closeSync(this.#fd);
    this.#loop.post(() => this.#listener?.onClose(cause));
  }

  #interest(): number {
    return (this.#paused ? Ready.none : Ready.readable) | (this.#queue.length > 0 ? Ready.writable : Ready.none);
  }

  #onReady(ready: number): void {
    if ((ready & Ready.writable) !== 0) this.#flush();
    if (this.#closed || this.#paused) return;
    if ((ready & (Ready.readable | Ready.error | Ready.hangup)) !== 0) this.#receive();
  }

  #receive(): void {
    try {
      const length = readSync(this.#fd, this.#buffer, 0, chunk, null);
      if (length === 0) return this.close();
      this.#listener?.onData(Uint8Array.prototype.slice.call(this.#buffer, 0, length), []);
    } catch (error) {
      this.#onError(error as NodeJS.ErrnoException);
    }
  }

  #flush(): void {
    const hadWaiting = this.#queue.length > 0;
    try {
      for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
        const written = writeSync(this.#fd, next);
        if (written === next.length) this.#queue.shift();
        else this.#queue[0] = next.subarray(written);
      }
    } catch (error) {
      this.#onError(error as NodeJS.ErrnoException);
    }
    if (this.#closed) return;
    this.#watch?.modify(this.#interest());
    if (hadWaiting && this.#queue.length === 0) this.#listener?.onDrain?.();
  }

  /** EIO says that the other end is gone: as a peer that has hung up. */
  #onError(error: NodeJS.ErrnoException): void {
    if (error.code === "EAGAIN" || error.code === "EINTR") return;
    this.close(error.code === "EIO" ? undefined : error);
  }
}
