import * as libc from "./libc.ts";
import { transmitMessage } from "./socket-message.ts";

interface Pending {
  bytes: Uint8Array;
  /** Duplicates of the caller's, ours to close. */
  fds: readonly number[];
}

/**
 * What a connection has accepted and the kernel not yet taken, in order.
 *
 * send, flush: throw SystemError when the peer is gone; the queue is of no use then. drop: gives up what waits.
 */
export class SendQueue {
  readonly #fd: number;
  #pending: Pending[] = [];
  #size = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#size;
  }

  /** The kernel gets it at once where it can; the rest is copied, so `bytes` and `fds` stay the caller's. */
  send(bytes: Uint8Array, fds: readonly number[]): void {
    const taken = this.#size === 0 ? transmitMessage(this.#fd, bytes, fds) : 0;
    if (taken === bytes.length) return;
    // Not by slice: a Buffer's shares the memory.
    const rest = new Uint8Array(bytes.subarray(taken));
    this.#pending.push({ bytes: rest, fds: taken > 0 ? [] : duplicates(fds) });
    this.#size += bytes.length - taken;
  }

  /** Sends what the kernel takes without waiting. */
  flush(): void {
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const taken = transmitMessage(this.#fd, first.bytes, first.fds);
      if (taken === 0) return;
      this.#size -= taken;
      closeAll(first.fds);
      first.fds = [];
      if (taken === first.bytes.length) this.#pending.shift();
      else first.bytes = first.bytes.subarray(taken);
    }
  }

  drop(): void {
    for (const { fds } of this.#pending) closeAll(fds);
    this.#pending = [];
    this.#size = 0;
  }
}

function duplicates(fds: readonly number[]): number[] {
  const made: number[] = [];
  try {
    for (const fd of fds) made.push(libc.duplicate(fd));
    return made;
  } catch (error) {
    closeAll(made);
    throw error;
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) libc.close(fd);
}
