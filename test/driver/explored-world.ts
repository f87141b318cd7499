import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Definition, Domain } from "../../src/model/index.ts";
import { VirError } from "../../src/protocol/index.ts";
import { type AsyncSim, boundsFromEnvironment, exploreAsync } from "../../src/testkit/index.ts";
import { AsyncWorld } from "../../src/testkit/scenarios/async-world.ts";
import { checkHolds } from "../event/exploring.ts";
import type { SourceMutation } from "../mutations/mutated-sources.ts";

/** A small world with a driver in it, to be run under every order of its steps. */
export interface Explored {
  readonly name: string;
  readonly about: string;
  readonly subject: (sim: AsyncSim) => void;
}

export type DriverActor = readonly [name: string, body: (domain: Domain) => Promise<void>];

/** A driver whose host is simulated, and the actors that use it; at the end no record of a run is left. */
export abstract class DriverWorld<R extends { readonly definition: Definition }> extends AsyncWorld {
  /** What a driver keeps, in memory. */
  readonly stored = new Map<string, Definition>();
  readonly kept = new Map<string, R>();
  readonly store = {
    load: async () => ({ definitions: [], unreadable: [] }),
    save: async (definition: Definition) => void this.stored.set(definition.uuid, definition),
    remove: async (which: string) => void this.stored.delete(which),
  };
  readonly records = {
    write: (record: R) => {
      if (this.#isClosed) this.fail("a record is written when the next driver may have them");
      this.kept.set(record.definition.uuid, record);
    },
    remove: (which: string) => void this.kept.delete(which),
    readAll: () => [],
    close: () => {
      this.#isClosed = true;
    },
  };
  /** Before the actors begin and after they have ended nothing comes in between: all choices are theirs. */
  isCalm = true;
  #atWork = 0;
  #isClosed = false;

  constructor(sim: AsyncSim) {
    super(sim);
    sim.atEnd(() => {
      if (this.kept.size > 0) this.fail("a record is left");
    });
  }

  /** Resolves with a domain that runs. */
  protected abstract setUp(): Promise<Domain>;

  /** Ends whatever runs still, and closes the driver. */
  protected abstract clearAway(): Promise<void>;

  /** A domain that runs; then the actors, together, and when the last has ended everything is closed. */
  begin(...actors: readonly DriverActor[]): void {
    this.sim.spawn("setting up", async () => {
      const domain = await this.setUp();
      this.isCalm = false;
      this.#atWork = actors.length;
      for (const [name, body] of actors) this.#actor(name, () => body(domain));
    });
  }

  #actor(name: string, body: () => Promise<void>): void {
    this.sim.spawn(name, async () => {
      await body();
      if (--this.#atWork > 0) return;
      this.isCalm = true;
      await this.clearAway();
      await this.loop.close();
    });
  }
}

/** "done", or the number of the error. By its form: a mutant has classes of its own. */
export async function outcome(work: Promise<unknown> | (() => Promise<unknown>)): Promise<number | "done"> {
  try {
    await (typeof work === "function" ? work() : work);
    return "done";
  } catch (error) {
    if (error instanceof VirError || typeof (error as { code?: unknown }).code === "number")
      return (error as { code: number }).code;
    throw error;
  }
}

/** Both work together, in the order that the scheduler chooses to ask for them. */
export function together(
  sim: AsyncSim,
  ...work: readonly (() => Promise<number | "done">)[]
): Promise<(number | "done")[]> {
  const order = sim.choose(2) === 1 ? work.toReversed() : work;
  return Promise.all(order.map((each) => each()));
}

interface Subjects {
  /** Of what, for the names of the tests. */
  readonly driver: string;
  readonly explored: readonly Explored[];
  readonly mutations: readonly SourceMutation[];
  readonly mutant: (name: string) => Promise<readonly Explored[]>;
  /** In `npm test`: of each scenario in order, and as many at random. */
  readonly executions: number;
}

/** Each scenario holds, in order and at random, and each bug is found by the scenario that is for it. */
export function exploreSuites({ driver, explored, mutations, mutant, executions }: Subjects): void {
  const bounds = boundsFromEnvironment(process.env, { executions });
  const atRandom = { ...bounds, strategy: "random", seed: 1 } as const;
  suite(driver, () => {
    for (const { name, about, subject } of explored) {
      test(`${name}: ${about}`, async (t) => {
        const report = await exploreAsync(subject, bounds);
        checkHolds(report);
        if (!report.exhausted) checkHolds(await exploreAsync(subject, atRandom));
        t.diagnostic(`${report.executions} schedules${report.exhausted ? ", all there are" : ""}`);
      });
    }
  });

  suite(`${driver}: a bug put into it is found`, () => {
    for (const { name, about, foundBy } of mutations) {
      test(`${name}: ${about}`, async (t) => {
        const scenarios = await mutant(name);
        const { subject } = scenarios.find((each) => each.name === foundBy) ?? assert.fail(`no scenario ${foundBy}`);
        const inOrder = await exploreAsync(subject, bounds);
        const { failing, executions: count } =
          inOrder.failing === undefined && !inOrder.exhausted ? await exploreAsync(subject, atRandom) : inOrder;
        assert.ok(failing !== undefined, `${foundBy} does not find it in ${count} schedules`);
        t.diagnostic(`${failing.failure?.message}, after ${count} schedules: ${failing.text}`);
      });
    }

    test("and a copy without one is not", async () => {
      const few = { ...bounds, executions: 20 };
      for (const { subject } of await mutant("none")) checkHolds(await exploreAsync(subject, few));
    });
  });
}
