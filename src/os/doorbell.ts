import * as libc from "./libc.ts";

/** What a thread needs to ring: numbers and shared memory only, so it can be sent to a Worker. */
export interface DoorbellAddress {
  readonly fd: number;
  /** How many are ringing at this moment, and the bit that says closed. */
  readonly state: SharedArrayBuffer;
}

const closedBit = 2 ** 30;
const one = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/**
 * An eventfd that any thread of the process may ring and one listens to.
 *
 *     open -> closed
 *
 * Why nobody ever writes into a descriptor that has been closed, and perhaps is another file's by now: who rings counts
 * itself in before and out after, counting in is refused from `close` on, and the last one out closes the descriptor:
 * `close` itself when nobody is in. (A Worker terminated between the two leaves the descriptor open for good: a leak
 * of one, but never a write to a stranger.)
 */
export class Doorbell {
  readonly fd: number;
  readonly #shared: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(address: DoorbellAddress = newAddress()) {
    this.fd = address.fd;
    this.#shared = address.state;
    this.#state = new Int32Array(address.state);
  }

  get address(): DoorbellAddress {
    return { fd: this.fd, state: this.#shared };
  }

  /** Runs `before`, then makes the descriptor readable. False, and nothing has run, when the doorbell is closed. */
  ring(before?: () => void): boolean {
    if (!this.#enter()) return false;
    try {
      before?.();
      // A full counter (EAGAIN) is a bell that rings already.
      libc.write(this.fd, one, one.length);
    } finally {
      this.#leave();
    }
    return true;
  }

  /** For the listener: the descriptor is not readable any more until the next ring. */
  silence(): void {
    libc.read(this.fd, new Uint8Array(8), 8);
  }

  /** For the listener, when nothing watches the descriptor any more. Idempotent. */
  close(): void {
    if (Atomics.or(this.#state, 0, closedBit) === 0) libc.close(this.fd);
  }

  #enter(): boolean {
    for (;;) {
      const state = Atomics.load(this.#state, 0);
      if (state >= closedBit) return false;
      if (Atomics.compareExchange(this.#state, 0, state, state + 1) === state) return true;
    }
  }

  #leave(): void {
    if (Atomics.sub(this.#state, 0, 1) === closedBit + 1) libc.close(this.fd);
  }
}

function newAddress(): DoorbellAddress {
  const nonBlockingCloseOnExec = 0o2004000;
  const fd = libc.check(libc.eventfd(0, nonBlockingCloseOnExec), "eventfd", "for another thread's wakeups");
  return { fd, state: new SharedArrayBuffer(4) };
}
