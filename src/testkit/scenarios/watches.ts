import { Ready } from "../../event/index.ts";
import { Resource } from "../sim/resource.ts";
import type { Pipe } from "./pipe.ts";
import type { Scenario } from "./scenario.ts";
import { SimWorld } from "./sim-world.ts";
import type { WatchWitness } from "./witness.ts";
import type { World } from "./world.ts";

const removedInCallbacks: Scenario = {
  name: "watches removed in callbacks",
  about:
    "of three watches, whichever is called back first removes itself, an earlier or a later one; no other is skipped",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipes = ["A", "B", "C"].map((name) => world.pipe(name));
    let choice: WatchWitness | undefined;
    const watches: readonly WatchWitness[] = pipes.map((pipe) =>
      world.watch(pipe, Ready.readable, () => {
        pipe.read();
        choice ??= removeOneOf(world, watches);
      }),
    );
    dataArrive(world, pipes);
    world.atRest(() => {
      for (const watch of watches) if (watch !== choice && watch.entered === 0) world.fail(`${watch.name} was skipped`);
    });
  },
};

const oneTurn: Scenario = {
  name: "a pass keeps to what was polled",
  about:
    "all that is ready in a turn is called back in it, save what an earlier callback removes; what that adds waits",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipes = ["A", "B", "C"].map((name) => world.pipe(name));
    for (const pipe of pipes) pipe.arrive();
    const turns = new Set<number>();
    const callback = (self: WatchWitness): void => {
      self.pipe.read();
      turns.add(world.turns);
      if (watches.every(({ removed }) => !removed)) removeOneOf(world, watches);
      if (world.witnesses.length < 5) world.watch(self.pipe, Ready.readable, callback);
    };
    const watches = pipes.map((pipe) => world.watch(pipe, Ready.readable, callback));
    world.atRest(() => {
      if (turns.size !== 1) world.fail(`one pass took ${turns.size} turns`);
    });
  },
};

const removedByPost: Scenario = {
  name: "a watch removed by post",
  about: "a worker has a watch removed, hears that it is released, and frees what the callback works on",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipe = world.pipe("A");
    const work = new Resource(sim, "the worker's memory");
    const watch = world.watch(pipe, Ready.readable, () =>
      sim.call("callback", function* () {
        work.use();
        pipe.read();
        yield sim.step("half way");
        work.use();
      }),
    );
    dataArrive(world, [pipe]);
    sim.spawn("worker", function* () {
      yield* world.ask("remove", () => watch.remove());
      yield sim.until("wait for the release", () => watch.released);
      work.release();
    });
  },
};

const numberReused: Scenario = {
  name: "a reused descriptor number",
  about: "a watch is removed, its descriptor closed, the number opened and watched again, in every sensible order",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const [bystander, old] = [world.pipe("bystander"), world.pipe("old pipe")];
    const readAll = ({ pipe }: WatchWitness): void => void pipe.read();
    const other = world.watch(bystander, Ready.readable, readAll);
    const before = world.watch(old, Ready.readable, readAll);
    const reopen = (): WatchWitness => {
      world.kernel.close(old.fd);
      const pipe = world.pipe("new pipe");
      if (pipe.fd !== old.fd) world.fail("the kernel gives a number other than the one just closed");
      return world.watch(pipe, Ready.readable, readAll);
    };
    let after: WatchWitness | undefined;
    dataArrive(world, [old, bystander]);
    sim.spawn("worker", function* () {
      yield* world.ask("swap", () => {
        const order = sim.choose(3);
        if (order === 0) before.registration.modify(Ready.none);
        if (order < 2) before.remove();
        after = reopen();
        if (order === 2) before.remove();
      });
      yield sim.step("data on the new pipe");
      after?.pipe.arrive();
    });
    world.atRest(() => {
      if (after?.entered !== 1) world.fail(`the new watch was called back ${after?.entered} times`);
      if (other.entered !== 1) world.fail(`the bystander was called back ${other.entered} times`);
    });
  },
};

const oneDescriptor: Scenario = {
  name: "two watches on one descriptor",
  about: "each gets its own events and neither starves, also when one of them stops asking",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipe = world.pipe("A");
    const first = world.watch(pipe, Ready.readable, ({ registration }) => {
      pipe.read();
      registration.modify(Ready.none);
    });
    const second = world.watch(pipe, Ready.readable, () => void pipe.read());
    sim.spawn("kernel", function* () {
      yield sim.step("data");
      pipe.arrive();
      yield sim.until("more data when both have heard", () => first.entered > 0 && second.entered > 0);
      pipe.arrive();
      yield sim.until("all is read", () => pipe.ready === Ready.none);
    });
    world.atRest(() => {
      if (first.entered !== 1) world.fail(`the first was called back ${first.entered} times`);
      if (second.entered !== 2) world.fail(`the second was called back ${second.entered} times`);
    });
  },
};

const modifiedInPass: Scenario = {
  name: "a watch modified within a pass",
  about: "one callback takes back what another asks for; a worker has it ask again",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const [a, b] = [world.pipe("A"), world.pipe("B")];
    const second = world.watch(b, Ready.readable, () => void b.read());
    world.watch(a, Ready.readable, () => {
      a.read();
      second.registration.modify(sim.choose(2) === 0 ? Ready.none : Ready.writable);
    });
    dataArrive(world, [b, a]);
    sim.spawn("worker", function* () {
      yield sim.until("A is read", () => a.arrivals === 1 && a.ready === Ready.none);
      yield* world.ask("ask again", () => second.registration.modify(Ready.readable));
      yield sim.until("B is read", () => b.ready === Ready.none);
    });
    world.atRest(() => {
      if (second.entered !== 1) world.fail(`B was called back ${second.entered} times`);
    });
  },
};

const asyncCallback: Scenario = {
  name: "an async watch callback",
  about: "calls never overlap, what arrives meanwhile is not lost, and removal lets the last call end",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipe = world.pipe("A");
    let removed = false;
    const watch = world.watch(pipe, Ready.readable, () => {
      pipe.read();
      return world.later("callback goes on", function* () {
        yield sim.step("half way");
      });
    });
    sim.spawn("kernel", function* () {
      yield sim.step("data");
      pipe.arrive();
      yield sim.until("more data", () => watch.entered > 0);
      pipe.arrive();
      if (sim.choose(2) === 0) yield sim.until("all is read", () => pipe.ready === Ready.none);
      removed = true;
      yield* world.ask("remove", () => watch.remove());
    });
    world.atRest(() => {
      if (!removed || watch.entered < 1) world.fail("the story did not come to its end");
    });
  },
};

/** The kernel as an actor: data arrive on one pipe after the other. */
function dataArrive(world: World, pipes: readonly Pipe[]): void {
  world.sim.spawn("kernel", function* () {
    for (const pipe of pipes) {
      yield world.sim.step(`data on ${pipe.name}`);
      pipe.arrive();
    }
  });
}

function removeOneOf(world: World, watches: readonly WatchWitness[]): WatchWitness {
  const choice = watches[world.sim.choose(watches.length)] as WatchWitness;
  world.sim.note(`removes the ${choice.name}`);
  choice.remove();
  return choice;
}

export const scenarios: readonly Scenario[] = [
  removedInCallbacks,
  oneTurn,
  removedByPost,
  numberReused,
  oneDescriptor,
  modifiedInPass,
  asyncCallback,
];
