import type { Loop } from "../../src/event/index.ts";
import { Context, type ContextOptions } from "../../src/libxl/context.ts";
import { LibxlError } from "../../src/libxl/error.ts";
import type { Library } from "../../src/libxl/library.ts";
import { FakeLibxl, type Registered } from "../../src/testkit/fake-libxl/fake-libxl.ts";
import { type FakeChild, FakeMachine } from "../../src/testkit/fake-libxl/fake-machine.ts";
import type { LibxlForm } from "../../src/testkit/fake-libxl/fake-osevents.ts";
import type { AsyncSim } from "../../src/testkit/index.ts";
import { AsyncWorld } from "../../src/testkit/scenarios/async-world.ts";

export interface Explored {
  readonly name: string;
  readonly about: string;
  /** Default: both. One that is held back hears of readiness that it has used up, and that of 2012 believes it. */
  readonly forms?: readonly LibxlForm[];
  readonly subject: (sim: AsyncSim, form: LibxlForm) => void;
}

/** Contexts before fakes of libxl, on one loop, with one SIGCHLD; at the end nothing may be left of any. */
class LibxlWorld extends AsyncWorld {
  readonly machine = new FakeMachine(this.kernel);
  readonly libraries: FakeLibxl[] = [];
  readonly contexts: Context<Registered>[] = [];
  readonly #form: LibxlForm;

  constructor(sim: AsyncSim, form: LibxlForm) {
    super(sim);
    this.#form = form;
    sim.spawn("SIGCHLD", () => this.#signals());
    sim.atEnd(() => this.#checkEnd());
  }

  open(options: Pick<ContextOptions, "holdBack"> = {}): Context<Registered> {
    const wallClock = (): number => this.host.now();
    const library = new FakeLibxl(this.sim, this.machine, { form: this.#form, wallClock });
    const context = new Context<Registered>(this.loop, library as Library<Registered>, {
      wallClock,
      onDisaster: (message) => this.fail(message),
      readLog: () => library.enter("reading the log", () => {}),
      ...options,
    });
    this.libraries.push(library);
    this.contexts.push(context);
    return context;
  }

  /** The child that was forked last goes: its pipe and it, in either order. */
  leaves(child = this.machine.children.at(-1)): void {
    this.sim.spawn("child", async () => {
      const steps = [(each?: FakeChild) => each?.hangUp(), (each?: FakeChild) => this.machine.exit(each)];
      if (this.sim.choose(2) === 1) steps.reverse();
      for (const step of steps) {
        await this.sim.step("the child goes");
        step(child);
      }
    });
  }

  async #signals(): Promise<void> {
    for (;;) {
      await this.sim.until("SIGCHLD", () => this.machine.signalled || this.host.closed);
      if (this.host.closed) return;
      this.machine.signalled = false;
      for (const context of this.contexts) context.childEnded();
    }
  }

  #checkEnd(): void {
    for (const library of this.libraries) {
      if (!library.context.released) this.fail("a context was never freed");
      if (library.generators > 0) this.fail("events are still enabled");
    }
    for (const { state } of this.machine.children) if (state !== "reaped") this.fail(`a child is left: ${state}`);
    if (this.kernel.size > this.libraries.length) this.fail(`${this.kernel.size} descriptors are open`);
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (error instanceof LibxlError) return error.code;
    throw error;
  }
}

async function end(context: Context<Registered>, loop: Loop): Promise<void> {
  await context.close(100_000);
  await loop.close();
}

function expect(world: AsyncWorld, found: string, ...allowed: string[]): void {
  if (!allowed.includes(found)) world.fail(`${found} instead of ${allowed.join(" or ")}`);
}

export const explored: readonly Explored[] = [
  {
    name: "an operation and its child",
    about: "the child hangs up and exits, in either order: the operation ends once, and nothing is left",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const context = world.open();
      sim.spawn("application", async () => {
        const created = codeOf(context.create({}));
        world.leaves();
        expect(world, await created, "done");
        await end(context, world.loop);
      });
    },
  },
  {
    name: "an abort",
    about: "an operation is to stop at about the moment when it ends: it is told as it ended",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const context = world.open();
      const controller = new AbortController();
      sim.spawn("application", async () => {
        const saved = codeOf(context.save(1, 3, { signal: controller.signal }));
        world.leaves();
        await sim.step("abort");
        controller.abort();
        expect(world, await saved, "done", "ABORTED");
        await end(context, world.loop);
      });
    },
  },
  {
    name: "a timeout of libxl's",
    about: "time passes while the child goes: done or timed out, once, and the child is waited for in both cases",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const context = world.open();
      sim.spawn("application", async () => {
        const created = codeOf(context.create({}));
        world.leaves();
        await sim.step("time passes");
        world.host.advance(20);
        expect(world, await created, "done", "TIMEDOUT");
        await end(context, world.loop);
      });
    },
  },
  {
    name: "a death is told",
    about: "to a watch that stays, once, whenever the domain dies; then the watch goes with its context",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const context = world.open();
      let heard = 0;
      sim.spawn("guest", async () => {
        await sim.step("the domain dies");
        world.machine.die(1);
      });
      sim.spawn("application", async () => {
        context.watchDomain(1, () => heard++);
        await sim.until("wait for the death", () => heard > 0);
        await end(context, world.loop);
        if (heard !== 1) world.fail(`the death was told ${heard} times`);
      });
    },
  },
  {
    name: "a watch is removed",
    about: "at about the moment when the domain dies: after that nothing is told",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const context = world.open();
      let removed = false;
      sim.spawn("guest", async () => {
        await sim.step("the domain dies");
        world.machine.die(1);
      });
      sim.spawn("application", async () => {
        const watch = context.watchDomain(1, () => removed && world.fail("told after its removal"));
        await sim.step("remove");
        watch.remove();
        removed = true;
        await end(context, world.loop);
      });
    },
  },
  {
    name: "closed with everything under way",
    about:
      "an operation without a timeout and a watch are there when the context is closed: it is freed after they have ended",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const context = world.open();
      sim.spawn("application", async () => {
        const dumped = codeOf(context.dump(1, "/dump"));
        context.watchDomain(1, () => world.fail("nobody has died"));
        await sim.step("close");
        const [code] = await Promise.all([dumped, end(context, world.loop)]);
        expect(world, code, "ABORTED");
      });
    },
  },
  {
    name: "closed with calls held back",
    about:
      "libxl hears of timeouts and descriptors some turns late: its context is freed after the last of them all the same",
    forms: ["4.17"],
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      let calls = sim.choose(2);
      const context = world.open({ holdBack: () => (calls++ % 2 === 0 ? 0 : 3) });
      sim.spawn("application", async () => {
        const created = codeOf(context.create({}));
        const watch = context.watchDomain(1, () => world.fail("nobody has died"));
        world.leaves();
        expect(world, await created, "done");
        watch.remove();
        await end(context, world.loop);
      });
    },
  },
  {
    name: "two contexts and their children",
    about: "one SIGCHLD for both, of which one is closed by then: each gets its own child, and nobody enters the other",
    subject(sim, form) {
      const world = new LibxlWorld(sim, form);
      const [first, second] = [world.open(), world.open()];
      sim.spawn("application", async () => {
        const created = codeOf(first.create({}));
        world.leaves();
        const saved = codeOf(second.save(1, 3));
        const child = world.machine.children.at(-1);
        child?.hangUp();
        expect(world, await created, "done");
        await first.close(100_000);
        world.machine.exit(child);
        expect(world, await saved, "done");
        await end(second, world.loop);
      });
    },
  },
];
