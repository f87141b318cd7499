import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Answer } from "./script.ts";

/** Questions of a script that are known to be answered differently. */
export interface Difference {
  readonly script: string;
  /** Each with " #2" behind it where it is the second with this key, and so on. */
  readonly keys: readonly string[];
  readonly reason: string;
}

export function knownDifferences(path: string | URL): readonly Difference[] {
  return JSON.parse(readFileSync(path, "utf8")) as Difference[];
}

/**
 * Says how many answers are identical. Throws AssertionError when one differs that is not known to, or one that is known to
 * differ does no more.
 */
export function judgeAnswers(
  known: readonly Difference[],
  script: string,
  theirs: readonly Answer[],
  ours: readonly Answer[],
): string {
  const [there, here] = [byKey(theirs), byKey(ours)];
  assert.ok(there.size > 15, `${there.size} answers`);
  const differing = [...new Set([...there.keys(), ...here.keys()])].filter((key) => there.get(key) !== here.get(key));
  const expected = known.filter((each) => each.script === script).flatMap(({ keys }) => keys);
  const surprises = differing
    .filter((key) => !expected.includes(key))
    .map((key) => ({ key, theirs: shorten(there.get(key)), ours: shorten(here.get(key)) }));
  const gone = expected.filter((key) => !differing.includes(key)).map((key) => ({ key, differs: "no more" }));
  assert.equal(JSON.stringify([...surprises, ...gone], null, 2), "[]");
  return `${there.size - differing.length} of ${there.size} answers are identical`;
}

/** The second answer with a key has " #2" behind it, and so on. */
function byKey(answers: readonly Answer[]): Map<string, string> {
  const counts = new Map<string, number>();
  const values = new Map<string, string>();
  for (const { key, value } of answers) {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    values.set(count === 1 ? key : `${key} #${count}`, value);
  }
  return values;
}

function shorten(value: string | undefined): string | undefined {
  return value !== undefined && value.length > 1_000 ? `${value.slice(0, 1_000)}...` : value;
}
