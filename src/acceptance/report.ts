import type { StepResult } from "./guest-round.ts";
import type { SelftestResult } from "./selftest.ts";

/** What a TAP begins with. */
export const tapBegin = "TAP version 14\n";

/** One line of TAP, and what there is to say of a step that failed. `number` is from 1. */
export function tapStep(result: StepResult, number: number): string {
  const { guest, round, what, outcome, reason, ms, repeated } = result;
  const title = `${number} - ${guest}, round ${round}: ${what}`;
  if (outcome === "skipped") return `ok ${title} # SKIP ${reason}\n`;
  const refused = repeated === undefined ? "" : `# refused ${repeated} times at first\n`;
  if (outcome === "ok") return `ok ${title} # time=${ms}ms\n${refused}`;
  const state =
    result.state === undefined
      ? []
      : [`state: ${result.state.seen || "?"}, expected: ${result.state.expected || "any"}`];
  const lines = [reason ?? "", ...state, ...sideBySide(result)];
  return `not ok ${title} # time=${ms}ms\n${lines.map((line) => `# ${line}\n`).join("")}`;
}

/** The events that were expected and those that came, in two columns; ">" where they part. */
export function sideBySide({ events }: StepResult): string[] {
  if (events === undefined) return [];
  const { expected, seen } = events;
  const width = Math.max("expected".length, ...expected.map(({ length }) => length)) + 2;
  const rows = Array.from({ length: Math.max(expected.length, seen.length) }, (_, index) => {
    const [left = "", right = ""] = [expected[index], seen[index]];
    return `${left === right ? " " : ">"} ${left.padEnd(width)}${right}`;
  });
  return [`  ${"expected".padEnd(width)}seen`, ...rows];
}

/** The end of the TAP: the leaks as a step of their own, and the plan. */
export function tapEnd({ steps, leaks }: SelftestResult): string {
  const number = steps.length + 1;
  const outcome = leaks.length === 0 ? "ok" : "not ok";
  return `${outcome} ${number} - nothing is left\n${leaks.map((leak) => `# ${leak}\n`).join("")}1..${number}\n`;
}
