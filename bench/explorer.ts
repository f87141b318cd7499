import {
  type AsyncSim,
  explore,
  exploreAsync,
  Mutex,
  protocols,
  type Report,
  races,
  type Sim,
  tryRace,
} from "../src/testkit/index.ts";
import { formatTable, median } from "./table.ts";

const rounds = 5;
const executions = 5_000;
const random = { strategy: "random", executions } as const;

/** Two actors, a lock, eight steps each. */
function synchronous(sim: Sim): void {
  const lock = new Mutex(sim, "lock");
  let total = 0;
  for (const name of ["one", "two"]) {
    sim.spawn(name, function* () {
      for (let round = 0; round < 2; round++) {
        yield* lock.lock();
        const before = total;
        yield sim.step("add");
        total = before + 1;
        yield* lock.unlock();
        yield sim.step("rest");
      }
    });
  }
  sim.atEnd(() => {
    if (total !== 4) sim.fail("assertion", `${total} instead of 4`);
  });
}

/** The same work as async functions. */
function asynchronous(sim: AsyncSim): void {
  let locked = false;
  let total = 0;
  for (const name of ["one", "two"]) {
    sim.spawn(name, async () => {
      for (let round = 0; round < 2; round++) {
        await sim.until("lock", () => !locked);
        locked = true;
        const before = total;
        await sim.step("add");
        total = before + 1;
        await sim.step("unlock");
        locked = false;
        await sim.step("rest");
      }
    });
  }
  sim.atEnd(() => {
    if (total !== 4) sim.fail("assertion", `${total} instead of 4`);
  });
}

/** The real event core before a model of libxl. */
function core(): { executions: number } {
  const [protocol] = protocols.filter(({ name }) => name === "ours, 4.17 library");
  const [race] = races.filter(({ number }) => number === 5);
  if (protocol === undefined || race === undefined) throw new Error("the lab has no such race");
  return tryRace(protocol, race, random);
}

type Subject = () => Promise<Pick<Report, "executions">>;

const subjects: readonly (readonly [string, Subject])[] = [
  ["synchronous: two actors, a lock", async () => explore(synchronous, random)],
  ["asynchronous: the same", () => exploreAsync(asynchronous, random)],
  ["synchronous: the event core, race 5", async () => core()],
];

/** Schedules per second of the explorer. The peer is its own synchronous half: async subjects pay for the promises. */
export async function run(): Promise<void> {
  const taken = subjects.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, [, subject]] of subjects.entries()) {
      const start = performance.now();
      const result = await subject();
      const perSecond = result.executions / ((performance.now() - start) / 1_000);
      if (round > 0) taken[index]?.push(perSecond);
    }
  }
  const medians = taken.map(median);
  const rows = subjects.map(([name], index) => [name, Math.round(medians[index] ?? 0).toLocaleString("en")]);
  console.log(`\nThe schedule explorer, random schedules; medians of ${rounds} rounds.\n`);
  console.log(formatTable(["", "schedules per second"], rows));
  console.log(`\nratio explorer.async-to-sync ${((medians[1] ?? 0) / (medians[0] ?? 1)).toFixed(3)}`);
}
