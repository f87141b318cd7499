import type { Loop } from "../../event/index.ts";
import type { AsyncSim } from "../explorer/async-sim.ts";
import { AsyncWorld } from "./async-world.ts";
import type { AsyncScenario } from "./scenario.ts";

type Kind = "query" | "modify" | "destroy" | "abort" | "async";

/** What these scenarios need of a queue of jobs; the model's is one. */
export interface Jobs {
  readonly isIdle: boolean;
  run(
    request: { operation: string; kind: "async"; deadline?: number; signal?: AbortSignal },
    body: (work: { readonly signal: AbortSignal }) => Promise<void>,
  ): Promise<void>;
  run(
    request: { operation: string; kind: Exclude<Kind, "async">; deadline?: number; signal?: AbortSignal },
    body: () => Promise<void>,
  ): Promise<void>;
  abortAsync(reason: unknown): boolean;
}

interface Ask {
  readonly kind: Kind;
  /** Virtual milliseconds from the beginning. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

const beside: ReadonlySet<Kind> = new Set(["query", "destroy", "abort"]);

/** Some who ask for jobs, and the rules: who may be inside together, who goes before whom, how a wait ends. */
class JobWorld extends AsyncWorld {
  readonly jobs: Jobs;
  readonly #inside = new Map<string, Kind>();
  /** Who has asked and has neither begun nor given up, in the order of asking. */
  readonly #asking = new Map<string, Kind>();
  #atWork = 0;

  constructor(sim: AsyncSim, make: (loop: Loop) => Jobs) {
    super(sim);
    this.jobs = make(this.loop);
    sim.atEnd(() => {
      if (!this.jobs.isIdle || this.#inside.size > 0) this.fail("a job is left when all have ended");
    });
  }

  /** An actor; the loop closes after the last. */
  actor(name: string, body: () => Promise<void>): void {
    this.#atWork++;
    this.sim.spawn(name, async () => {
      await this.sim.step("ask");
      await body();
      if (--this.#atWork === 0) await this.loop.close();
    });
  }

  /** An actor that asks for a job, works in it for a step, and has to hear how that ended. */
  asks(name: string, ask: Ask): void {
    this.actor(name, () => this.#ask(name, ask));
  }

  async #ask(name: string, { kind, ...limits }: Ask): Promise<void> {
    let ran = 0;
    const body = async (): Promise<void> => {
      ran++;
      this.#enter(name, kind);
      try {
        await this.sim.step("work");
      } finally {
        this.#inside.delete(name);
      }
    };
    const request = { operation: name, ...limits };
    this.#asking.set(name, kind);
    const error = await (kind === "async"
      ? this.jobs.run({ ...request, kind }, body)
      : this.jobs.run({ ...request, kind }, body)
    ).then(
      () => undefined,
      (reason: unknown) => (reason instanceof Error ? reason : new Error("no reason")),
    );
    this.#asking.delete(name);
    if (ran !== (error === undefined ? 1 : 0))
      this.fail(`${name} ran ${ran} times and ended with ${error?.message ?? "success"}`);
    if (error !== undefined) this.#checkReason(name, limits);
  }

  /** Time as an actor: `moments` are when something is due. */
  clock(...moments: readonly number[]): void {
    this.sim.spawn("clock", async () => {
      for (const moment of moments) {
        await this.sim.step(`it is ${moment}`);
        this.host.advance(moment - this.host.now());
      }
    });
  }

  #enter(name: string, kind: Kind): void {
    const others = [...this.#inside.values()];
    const besideAsync = others.includes("async");
    if (kind === "async" && others.length > 0) this.fail(`${name} begins beside another job`);
    if (others.some((each) => each !== "async")) this.fail(`${name} runs together with another job`);
    if (besideAsync && !beside.has(kind)) this.fail(`${name} runs beside an async job that forbids it`);
    this.#checkOrder(name, besideAsync);
    this.#asking.delete(name);
    this.#inside.set(name, kind);
  }

  /** Those who asked before have begun or given up, or an async job keeps them out that lets this one in. */
  #checkOrder(name: string, besideAsync: boolean): void {
    for (const [other, kind] of this.#asking) {
      if (other === name) return;
      if (!besideAsync || beside.has(kind)) this.fail(`${name} overtakes ${other}`);
    }
  }

  #checkReason(name: string, { deadline = Infinity, signal }: Omit<Ask, "kind">): void {
    if (signal?.aborted !== true && this.host.now() < deadline) this.fail(`${name} gives up for no reason`);
  }
}

const modifiers = (make: (loop: Loop) => Jobs): AsyncScenario => ({
  name: "jobs with deadlines",
  about: "one at a time, in the order of asking; who gives up, by deadline or signal, is in nobody's way",
  subject(sim) {
    const world = new JobWorld(sim, make);
    const controller = new AbortController();
    world.asks("first", { kind: "modify" });
    world.asks("hasty", { kind: "modify", deadline: 10 });
    world.asks("aborted", { kind: "query", signal: controller.signal });
    world.asks("last", { kind: "destroy", deadline: 10 });
    world.clock(10);
    sim.spawn("aborter", async () => {
      await sim.step("abort");
      controller.abort();
    });
  },
});

const besideAsync = (make: (loop: Loop) => Jobs): AsyncScenario => ({
  name: "jobs beside an async one",
  about: "query and destroy go in beside it, one at a time; modify waits, and nobody waits for ever",
  subject(sim) {
    const world = new JobWorld(sim, make);
    world.asks("save", { kind: "async" });
    world.asks("query", { kind: "query" });
    world.asks("modify", { kind: "modify", deadline: 10 });
    world.asks("destroy", { kind: "destroy" });
    world.clock(10);
  },
});

const twoAsync = (make: (loop: Loop) => Jobs): AsyncScenario => ({
  name: "two async jobs",
  about: "the second waits for the first, and for who has the other slot; what may run beside does so meanwhile",
  subject(sim) {
    const world = new JobWorld(sim, make);
    world.asks("save", { kind: "async" });
    world.asks("dump", { kind: "async", deadline: 10 });
    world.asks("modify", { kind: "modify" });
    world.asks("query", { kind: "query" });
    world.clock(10);
  },
});

const aborted = (make: (loop: Loop) => Jobs): AsyncScenario => ({
  name: "an async job is aborted",
  about: "an abort is let in beside it and reaches it, or comes when it has ended; the job ends, and the next begins",
  subject(sim) {
    const world = new JobWorld(sim, make);
    const reason = new Error("aborted on request");
    let underWay: AbortSignal | undefined;
    let reached = false;
    let heard = false;
    world.actor("save", async () => {
      const saving = world.jobs.run({ operation: "save", kind: "async" }, async ({ signal }) => {
        underWay = signal;
        await sim.step("copy some");
        heard = signal.reason === reason;
        if (!heard) await sim.step("copy the rest");
        underWay = undefined;
        signal.throwIfAborted();
      });
      const error = await saving.catch((cause: unknown) => cause);
      if (error !== (reached ? reason : undefined)) world.fail(`save ends with ${String(error)}`);
      if (heard && !reached) world.fail("save hears of an abort that nobody made");
    });
    world.actor("abort", async () => {
      await world.jobs.run({ operation: "abort", kind: "abort" }, async () => {
        const before = underWay;
        reached = world.jobs.abortAsync(reason);
        if (reached !== (before !== undefined)) world.fail("abortAsync does not say whether there was a job");
        if (before?.aborted === false) world.fail("the job under way is not told");
      });
    });
    world.asks("modify", { kind: "modify" });
  },
});

/** The rules of a queue of jobs; `make` gives the one to be held to them. */
export function jobScenarios(make: (loop: Loop) => Jobs): readonly AsyncScenario[] {
  return [modifiers, besideAsync, twoAsync, aborted].map((scenario) => scenario(make));
}
