/**
 * The descriptors that a peer has passed and nobody has taken over yet: only so many, and each of them is either taken
 * or released.
 */
export class PassedFds {
  readonly #limit: number;
  readonly #release: (fds: readonly number[]) => void;
  #held = 0;

  /** `release` closes descriptors. */
  constructor(limit: number, release: (fds: readonly number[]) => void) {
    this.#limit = limit;
    this.#release = release;
  }

  /** False when there are too many now; they are held all the same. */
  hold(fds: readonly number[]): boolean {
    this.#held += fds.length;
    return this.#held <= this.#limit;
  }

  /** They are somebody else's from here on. */
  take(fds: readonly number[]): void {
    this.#held -= fds.length;
  }

  release(fds: readonly number[]): void {
    this.take(fds);
    this.refuse(fds);
  }

  /** Closes what is not even held. */
  refuse(fds: readonly number[]): void {
    if (fds.length > 0) this.#release(fds);
  }
}
