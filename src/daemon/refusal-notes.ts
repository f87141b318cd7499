const windowMs = 60_000;
const share = 20;

/**
 * Notes of those who were not let in at one door. A log must not grow as fast as somebody can knock: of each minute 20 are
 * written, and with the first one behind it how many more there were.
 */
export class RefusalNotes {
  readonly #now: () => number;
  readonly #write: (note: string) => void;
  #begun = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** `now` in ms. */
  constructor(now: () => number, write: (note: string) => void) {
    this.#now = now;
    this.#write = write;
  }

  add(note: string): void {
    if (this.#now() - this.#begun >= windowMs) {
      if (this.#count > share) this.#write(`… and ${this.#count - share} more were not let in`);
      this.#begun = this.#now();
      this.#count = 0;
    }
    this.#count++;
    if (this.#count <= share) this.#write(note);
  }
}
