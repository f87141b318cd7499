import type { Around } from "./around.ts";

const wide = 30;

/**
 * A bar that fills while something long is under way, on standard error: on a terminal, and elsewhere, where it was asked
 * for, as the percentage alone that virsh writes.
 *
 *     open -> closed      closed: the line is empty again
 */
export class Progress implements Disposable {
  readonly #where: Around;
  readonly #title: string;
  readonly #isAsked: boolean;
  #shown = "";
  #isOver = false;

  constructor(where: Around, title: string, isAsked = false) {
    this.#where = where;
    this.#title = title;
    this.#isAsked = isAsked;
  }

  /** `total` 0: nobody knows how much it will be. */
  show(done: bigint, total: bigint): void {
    const { isWatched } = this.#where;
    if (!(isWatched || this.#isAsked) || this.#isOver) return;
    const far = isWatched ? ` ${barText(done, total)}` : `: [${percentText(done, total)} %]`;
    const line = `\r${this.#title}${far}`;
    if (line !== this.#shown) this.#where.error(line);
    this.#shown = line;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    if (this.#shown !== "" && this.#where.isWatched) this.#where.error(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }
}

/** "[#######.....................]  25 %" */
export function barText(done: bigint, total: bigint): string {
  const part = total === 0n ? 0 : Math.min(1, Number((done * 1000n) / total) / 1000);
  const full = Math.round(part * wide);
  return `[${"#".repeat(full)}${".".repeat(wide - full)}] ${percentText(done, total)} %`;
}

/** " 25" */
function percentText(done: bigint, total: bigint): string {
  const percent = total === 0n ? 0n : (done * 100n) / total;
  return String(percent > 100n ? 100n : percent).padStart(3);
}
