import { Mutex, type Sim } from "../../src/testkit/index.ts";
import type { Scenario } from "../../src/testkit/scenarios/index.ts";
import { mutants } from "./mutated-sources.ts";
import { mutations } from "./mutations.ts";

const subjects = new URL("../../src/testkit/scenarios/index.ts", import.meta.url).href;
/** What a mutant has a copy of its own of: the core, and what is written against it. */
const copied = ["event/", "testkit/scenarios/", "testkit/sim/"];

const load = mutants<{ readonly coreScenarios: readonly Scenario[] }>(
  subjects,
  copied,
  mutations.map(({ name, patches }) => ({
    name,
    patches: patches.map((patch) => ({ ...patch, file: `event/${patch.file}` })),
  })),
);

/** The scenarios, written against a core with a bug; or with none, when the name is "none". */
export async function mutant(name: string): Promise<readonly Scenario[]> {
  const { coreScenarios } = await load(name);
  return coreScenarios.map((scenario) => ({
    ...scenario,
    subject(sim) {
      Object.assign(globalThis, { eventLock: new EventLock(sim) });
      scenario.subject(sim);
    },
  }));
}

/** For a mutant that holds an exclusive section over callbacks: a lock that synchronous code can take, with steps. */
class EventLock {
  readonly #sim: Sim;
  readonly #mutex: Mutex;

  constructor(sim: Sim) {
    this.#sim = sim;
    this.#mutex = new Mutex(sim, "event lock");
  }

  lock(): void {
    void this.#sim.call("take the event lock", () => this.#mutex.lock());
  }

  unlock(): void {
    void this.#sim.call("give the event lock", () => this.#mutex.unlock());
  }

  /** Waits until nobody holds it. */
  pass(): void {
    const mutex = this.#mutex;
    void this.#sim.call("pass the event lock", function* () {
      yield* mutex.lock();
      yield* mutex.unlock();
    });
  }
}
