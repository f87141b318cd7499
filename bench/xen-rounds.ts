import { LineProgram } from "./native.ts";

/** The first ones warm up and do not count. */
const warmUps = 1;
const rounds = 5;
/** Of what leaves all as it was, in one round. For xl, which is a program to be started, fewer. */
export const [repeats, xlRepeats] = [100, 2];
const repeated: ReadonlySet<string> = new Set(["list", "pause"]);

/** What is measured in dom0: `M` are the measures, of which "list" and "pause", and to go on, are done more than once. */
export interface Subject<M extends string> {
  readonly name: string;
  /** So often in one round. */
  readonly repeats: number;
  /** Microseconds for all of it. */
  round(measure: M, times: number): Promise<number>;
  close(): Promise<void>;
}

/** A program that is told a measure and how often, a line each, and answers with microseconds. */
export function program<M extends string>(
  name: string,
  path: string,
  args: readonly string[],
  count: number,
  wordFor: (measure: M) => string = (measure) => measure,
): Subject<M> {
  const lines = new LineProgram(path, args);
  return {
    name,
    repeats: count,
    async round(measure, times) {
      const [taken = Number.NaN] = await lines.round(`${wordFor(measure)} ${times}`);
      return taken;
    },
    close: () => lines.close(),
  };
}

/** What is called in this process. */
export function called<M extends string>(
  name: string,
  actions: Readonly<Record<M, (times: number) => Promise<unknown>>>,
  close: () => Promise<void>,
): Subject<M> {
  return {
    name,
    repeats,
    async round(measure, times) {
      const from = performance.now();
      await actions[measure](times);
      return (performance.now() - from) * 1_000;
    },
    close,
  };
}

/** All subjects in turn, one guest at a time, for there is no room for more; then they are closed. By subject and measure: microseconds of each round. */
export async function takeRounds<M extends string>(
  subjects: readonly Subject<M>[],
  measures: readonly M[],
): Promise<Record<string, Record<M, number[]>>> {
  const taken: Record<string, Record<M, number[]>> = {};
  for (const { name } of subjects) {
    taken[name] = Object.fromEntries(measures.map((measure) => [measure, [] as number[]])) as Record<M, number[]>;
  }
  for (let round = -warmUps; round < rounds; round++) {
    for (const subject of subjects) {
      for (const measure of measures) {
        const times = repeated.has(measure) ? subject.repeats : 1;
        const micros = (await subject.round(measure, times)) / times;
        if (round >= 0) taken[subject.name]?.[measure].push(micros);
        console.error(`round ${round + 1}: ${measure}, ${subject.name}: ${(micros / 1_000).toPrecision(3)} ms`);
      }
    }
  }
  for (const subject of subjects) await subject.close();
  return taken;
}
