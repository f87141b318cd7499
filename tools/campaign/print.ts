import type { Result } from "./job.ts";

export function printRow({ job, executions, exhausted, seconds, failing }: Result): void {
  const { strategy = "depth-first", seed, preemptions } = job.bounds;
  const how = strategy === "depth-first" ? `${preemptions ?? 2} preemptions` : `${strategy}, seed ${seed}`;
  const bounded = strategy !== "depth-first" || exhausted ? "holds" : "holds so far";
  const verdict = failing === undefined ? bounded : `FAILS: ${failing.kind}`;
  const cells = [
    job.scenario.padEnd(46),
    how.padEnd(15),
    number(executions).padStart(11),
    `${seconds.toFixed(1)} s`.padStart(8),
  ];
  console.log(`${cells.join("  ")}  ${verdict}`);
}

export function printFailure({ job, failing }: Result): void {
  console.log(`\n${job.scenario}: ${failing?.kind}, schedule ${failing?.schedule}\n\n${failing?.diagram}`);
}

export function summary(results: readonly Result[], seconds: number): string {
  const total = (which: (result: Result) => boolean): number =>
    results.filter(which).reduce((sum, { executions }) => sum + executions, 0);
  const isRandom = ({ job }: Result): boolean =>
    job.bounds.strategy !== undefined && job.bounds.strategy !== "depth-first";
  const exhausted = results.filter((result) => result.exhausted).length;
  const failing = results.filter((result) => result.failing !== undefined).length;
  return [
    `depth-first: ${number(total((result) => !isRandom(result)))} schedules, ${exhausted} scenarios exhausted`,
    `random and PCT: ${number(total(isRandom))} schedules`,
    `${failing === 0 ? "nothing fails" : `${failing} fail`} within these bounds; ${seconds.toFixed(0)} s`,
  ].join("\n");
}

function number(value: number): string {
  return value.toLocaleString("en");
}
