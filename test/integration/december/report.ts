/** Calls that our layer has not made because they came late, and what libxl itself would have done with each. */
export interface LateCalls {
  readonly total: number;
  /** Its nexus is nobody's, or another descriptor's: it would have returned. */
  readonly rejectedByNexus: number;
  /** Its nexus is by now that of a new registration with the same number: it would have polled, for the wrong one. */
  readonly polledAgain: number;
  /** A timeout's: it would have given its nexus back twice. */
  readonly releasedTwice: number;
}

export interface KindCounts {
  readonly begun: number;
  readonly ended: number;
  /** At one time. */
  readonly most: number;
  /** Different names that libxl has had for them: one that it never takes back makes them more than `most`. */
  readonly nexuses: number;
}

/** What lives.ts has counted when all its guests have died. */
export interface Report {
  readonly lives: number;
  /** Lives cut short, and not counted, because libxl had waited in vain for 10 s or more: the machine was too busy. */
  readonly starved: number;
  /** Calls into libxl that were held back by a turn at least. */
  readonly delayed: number;
  /** Calls into libxl; `stale` are those whose registration had ended. */
  readonly calls: { readonly made: number; readonly stale: number };
  readonly late: LateCalls;
  readonly fds: KindCounts;
  readonly timeouts: KindCounts;
  /** Descriptors that were registered under the number of an earlier one. */
  readonly reusedNumbers: number;
  readonly left: {
    readonly domains: number;
    readonly registrations: number;
    readonly operations: number;
    readonly watches: number;
    readonly descriptors: number;
    readonly children: number;
    /** Nodes of domains in xenstore: below /local/domain and below /libxl. */
    readonly inStore: readonly number[];
  };
  /** Guests with other events than theirs. */
  readonly wrongLives: readonly string[];
  readonly errors: readonly string[];
}

/** What is wrong with it, in words; nothing when it is as it must be. */
export function problemsOf(report: Report, wanted: { readonly lives: number; readonly delayed: number }): string[] {
  const { lives, delayed, calls, late, fds, timeouts, left } = report;
  const problems = [...report.wrongLives, ...report.errors];
  const check = (holds: boolean, problem: string): void => void (holds || problems.push(problem));
  check(lives === wanted.lives, `${lives} lives instead of ${wanted.lives}`);
  check(report.starved <= lives / 10, `${report.starved} lives were cut short: the machine is too busy for this`);
  check(delayed >= wanted.delayed, `only ${delayed} calls were delayed: this shows little`);
  check(calls.stale === 0, `${calls.stale} calls were made although their registration had ended`);
  check(late.total > 0, "nothing came late: this shows nothing");
  check(report.reusedNumbers > 0, "no descriptor's number was used again: this shows nothing");
  for (const [name, { begun, ended, most, nexuses }] of Object.entries({ descriptors: fds, timeouts })) {
    check(begun === ended, `${begun} ${name} were registered, and ${ended} have ended`);
    check(nexuses <= most, `libxl has used ${nexuses} nexuses for ${most} ${name} at a time`);
  }
  for (const [what, count] of Object.entries(left)) {
    check(
      [count].flat().every((each) => each === 0),
      `left over: ${what}: ${[count].flat().join()}`,
    );
  }
  return problems;
}
