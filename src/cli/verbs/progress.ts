import type { Around } from "./around.ts";

const wide = 30;

/**
 * A bar that fills while something long is under way; on a terminal alone, on standard error.
 *
 *     open -> closed      closed: the line is empty again
 */
export class Progress implements Disposable {
  readonly #where: Around;
  readonly #title: string;
  #shown = "";
  #isOver = false;

  constructor(where: Around, title: string) {
    this.#where = where;
    this.#title = title;
  }

  /** `total` 0: nobody knows how much it will be. */
  show(done: bigint, total: bigint): void {
    if (!this.#where.isWatched || this.#isOver) return;
    const line = `\r${this.#title} ${barText(done, total)}`;
    if (line !== this.#shown) this.#where.error(line);
    this.#shown = line;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    if (this.#shown !== "") this.#where.error(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }
}

/** "[#######.....................]  25 %" */
export function barText(done: bigint, total: bigint): string {
  const part = total === 0n ? 0 : Math.min(1, Number((done * 1000n) / total) / 1000);
  const full = Math.round(part * wide);
  return `[${"#".repeat(full)}${".".repeat(wide - full)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}
