import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Script } from "./script-file.ts";
import type { Outcome } from "./side.ts";

/** A command line of a script that is known to end differently, in these parts. */
interface Difference {
  readonly script: string;
  readonly line: string;
  /** Counts from 1 where a script has the line more than once. Default 1. */
  readonly nth?: number;
  readonly in: readonly (keyof Outcome)[];
  readonly reason: string;
}

/** What libvirt's daemon and ours have made of scripts, beside the differences that are known. */
export class Comparison {
  readonly #known: readonly Difference[];
  lines = 0;
  identical = 0;

  /** `differences`: a file of JSON. */
  constructor(differences: URL) {
    this.#known = JSON.parse(readFileSync(differences, "utf8")) as Difference[];
  }

  /** As in "98.6 %". */
  get share(): string {
    return `${((100 * this.identical) / this.lines).toFixed(1)} %`;
  }

  /** Throws AssertionError when a line ends otherwise than is known, or a known difference is none any more. */
  judge({ name, lines }: Script, theirs: readonly Outcome[], ours: readonly Outcome[]): void {
    const expected = this.#known.filter(({ script }) => script === name);
    const met = new Set<Difference>();
    const seen = new Map<string, number>();
    const surprises: unknown[] = [];
    for (const [index, line] of lines.entries()) {
      const nth = (seen.get(line) ?? 0) + 1;
      seen.set(line, nth);
      const parts = differing(theirs[index], ours[index]);
      this.lines++;
      if (parts.length === 0) this.identical++;
      const listed = expected.find((each) => each.line === line && (each.nth ?? 1) === nth);
      if (listed !== undefined) met.add(listed);
      if (String(parts) === String(listed?.in ?? [])) continue;
      const show = (outcome: Outcome | undefined) => Object.fromEntries(parts.map((part) => [part, outcome?.[part]]));
      surprises.push({
        line,
        nth,
        listed: listed?.in ?? [],
        parts,
        theirs: show(theirs[index]),
        ours: show(ours[index]),
      });
    }
    const stale = expected.filter((each) => !met.has(each));
    assert.equal(JSON.stringify([...surprises, ...stale], null, 2), "[]");
  }
}

function differing(theirs: Outcome | undefined, ours: Outcome | undefined): (keyof Outcome)[] {
  const parts = ["stdout", "stderr", "code", "events"] as const;
  return parts.filter((part) => JSON.stringify(theirs?.[part]) !== JSON.stringify(ours?.[part]));
}
