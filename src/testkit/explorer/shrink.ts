import type { Outcome } from "./execution.ts";
import { type Schedule, trim } from "./schedule.ts";

const mostAttempts = 3_000;

/**
 * Makes a failing schedule short: fewer surprises first, then fewer steps, then earlier ones, as long as the failure is
 * of the same kind. Yields a schedule to be run and is resumed with its outcome, or undefined where it does not fit; so one
 * shrinker serves synchronous and asynchronous subjects.
 */
export function* shrink(outcome: Outcome): Generator<Schedule, Outcome, Outcome | undefined> {
  let best: Outcome = { ...outcome, schedule: trim(outcome.schedule) };
  let attempts = 0;
  for (let improved = true; improved; ) {
    improved = false;
    for (const variant of variants(best.schedule)) {
      if (attempts++ === mostAttempts) return best;
      const shorter = yield trim(variant);
      if (shorter === undefined || shorter.failure?.kind !== outcome.failure?.kind) continue;
      const candidate = { ...shorter, schedule: trim(shorter.schedule) };
      if (!isLess(cost(candidate), cost(best))) continue;
      best = candidate;
      improved = true;
      break;
    }
  }
  return best;
}

/** Surprises, steps, length, and how large the surprises are: the first that differs decides. */
function cost({ schedule, steps }: Outcome): number[] {
  const surprises = schedule.filter((choice) => choice > 0);
  return [surprises.length, steps, schedule.length, surprises.reduce((sum, choice) => sum + choice, 0)];
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}

function* variants(schedule: Schedule): Generator<Schedule> {
  yield* merged(schedule);
  for (let at = schedule.length - 1; at >= 0; at--) {
    const choice = schedule[at] as number;
    if (choice > 0) {
      yield schedule.with(at, 0);
      if (choice > 1) yield schedule.with(at, choice - 1);
      if (at > 0 && schedule[at - 1] === 0) yield schedule.with(at, 0).with(at - 1, choice);
    }
    yield schedule.toSpliced(at, 1);
  }
}

/**
 * Two surprises fewer: of the stretches A B A B that end in surprises, those of one task are joined, as A A B B or as
 * B B after the A before them. Taking out one surprise alone would give all that follows to the other task.
 */
function* merged(schedule: Schedule): Generator<Schedule> {
  const surprises = [...schedule.keys()].filter((at) => schedule[at] !== 0);
  for (let index = surprises.length - 3; index >= 0; index--) {
    const [first, second, third, fourth] = surprises.slice(index) as [number, number, number, number?];
    const rest = schedule.with(second, 0).with(third, 0);
    const shift = third - second;
    yield moved(rest, first, first + shift);
    if (fourth !== undefined) yield moved(rest, fourth, fourth - shift);
    yield schedule.with(first, 0).with(second, 0);
  }
}

function moved(schedule: Schedule, from: number, to: number): Schedule {
  return schedule.with(from, 0).with(to, schedule[from] as number);
}
