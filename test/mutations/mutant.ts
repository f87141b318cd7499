import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { Mutex, type Sim } from "../../src/testkit/index.ts";
import type { Scenario } from "../../src/testkit/scenarios/index.ts";
import { type Mutation, mutations } from "./mutations.ts";

const source = new URL("../../src/", import.meta.url).href;
/** What a mutant has a copy of its own of: the core, and what is written against it. */
const copied = ["event/", "testkit/scenarios/", "testkit/sim/"].map((folder) => source + folder);

/** A copy like the others, without a patch. */
const control: Pick<Mutation, "name" | "patches"> = { name: "none", patches: [] };

/**
 * A module asked for with `?mutation=NAME` is another module than the one without: it is loaded from the patched
 * source, and so are the copied modules that it imports.
 */
registerHooks({
  resolve(specifier, context, next) {
    const result = next(specifier, context);
    const query = new URL(context.parentURL ?? "file:///").search;
    const isCopied = query.startsWith("?mutation=") && copied.some((folder) => result.url.startsWith(folder));
    return isCopied ? { ...result, url: result.url.replace(/\?.*/, "") + query } : result;
  },
  load(url, context, next) {
    const name = new URL(url).searchParams.get("mutation");
    if (name === null || !url.startsWith(source)) return next(url, context);
    const mutation = mutations.find((each) => each.name === name) ?? control;
    if (mutation.name !== name) throw new RangeError(`there is no mutation "${name}"`);
    return { format: "module-typescript", source: patched(new URL(url), mutation), shortCircuit: true };
  },
});

function patched(url: URL, { name, patches }: typeof control): string {
  let text = readFileSync(url, "utf8");
  for (const { file, find, replace } of patches) {
    if (!url.pathname.endsWith(`/src/event/${file}`)) continue;
    const places = text.split(find).length - 1;
    if (places !== 1) throw new Error(`mutation ${name}: its text occurs ${places} times in ${file}; adapt the patch`);
    text = text.replace(find, () => replace);
  }
  return text;
}

/** The scenarios, written against a core with a bug; or with none, when the name is "none". */
export async function mutant(name: string): Promise<readonly Scenario[]> {
  const url = `${source}testkit/scenarios/index.ts?mutation=${name}`;
  const { coreScenarios } = (await import(url)) as { coreScenarios: readonly Scenario[] };
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
