import type { OnReadOpts } from "node:net";
import { takeFirst } from "../event/index.ts";

/** What waits for its reader at most before nothing more is read. */
const room = 262_144;

/**
 * What a socket reads, by way of one buffer for all of it: as a stream Node makes a new one of 64 KiB for each piece, however
 * small, and its collection takes longer than a call does.
 */
export class Inlet {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  #isFull = false;
  /** Something is there to be taken. */
  onBytes: () => void = () => {};

  /** For `connect`. */
  readonly reading: OnReadOpts = {
    buffer: Buffer.allocUnsafe(65_536),
    callback: (length, buffer) => {
      this.#pieces.push(Buffer.from(buffer.subarray(0, length)));
      this.#length += length;
      this.#isFull = this.#length >= room;
      this.onBytes();
      return !this.#isFull;
    },
  };

  get length(): number {
    return this.#length;
  }

  /** The next piece, if there is one; `resume` has the socket read on when there is room again. */
  take(resume: () => void): Uint8Array | null {
    const piece = takeFirst(this.#pieces);
    if (piece === undefined) return null;
    this.#length -= piece.length;
    if (this.#isFull && this.#length === 0) {
      this.#isFull = false;
      resume();
    }
    return piece;
  }
}
