import { Ready } from "../../event/index.ts";
import { ForeignWorld } from "./foreign-world.ts";
import type { Scenario } from "./scenario.ts";
import type { WatchWitness } from "./witness.ts";

const lateCalls: Scenario = {
  name: "a foreign loop calls back late",
  about: "it calls what was ready when it looked, although our callbacks and a worker's jobs have removed it since",
  actors: "two",
  subject(sim) {
    const world = new ForeignWorld(sim);
    const pipes = ["A", "B"].map((name) => world.pipe(name));
    let removed = 0;
    const watches: readonly WatchWitness[] = pipes.map((pipe) =>
      world.watch(pipe, Ready.readable, () => {
        pipe.read();
        if (removed++ === 0) watches[sim.choose(2)]?.remove();
      }),
    );
    sim.spawn("kernel", function* () {
      for (const pipe of pipes) {
        yield sim.step(`data on ${pipe.name}`);
        pipe.arrive();
      }
      yield* world.ask("remove", () => watches.forEach((watch) => watch.remove()));
    });
  },
};

const reused: Scenario = {
  name: "a foreign loop and a reused number",
  about: "a descriptor is closed and its number watched again in a callback, with late calls for the old one to come",
  actors: "two",
  subject(sim) {
    const world = new ForeignWorld(sim);
    const [a, old] = [world.pipe("A"), world.pipe("old pipe")];
    let after: WatchWitness | undefined;
    world.watch(a, Ready.readable, ({ registration }) => {
      a.read();
      registration.modify(Ready.none);
      before.remove();
      world.kernel.close(old.fd);
      after = world.watch(world.pipe("new pipe"), Ready.readable, ({ pipe }) => void pipe.read());
    });
    const before = world.watch(old, Ready.readable, () => void old.read());
    sim.spawn("kernel", function* () {
      old.arrive();
      yield sim.step("data on A");
      a.arrive();
      yield sim.until("data on the new pipe", () => after !== undefined);
      after?.pipe.arrive();
      yield sim.until("all is read", () => after?.entered === 1);
    });
  },
};

const insideAdd: Scenario = {
  name: "a foreign loop calls back inside addHandle",
  about:
    "a descriptor is ready when it is registered: outside a turn, in a job, in a callback, or when asked for again",
  actors: "two",
  subject(sim) {
    const world = new ForeignWorld(sim);
    const [a, b, c] = [world.pipe("A"), world.pipe("B"), world.pipe("C")];
    const read = ({ pipe }: WatchWitness): void => void pipe.read();
    let inner: WatchWitness | undefined;
    let outer: WatchWitness | undefined;
    for (const pipe of [b, c]) pipe.arrive();
    world.watch(c, Ready.readable, read);
    sim.spawn("worker", function* () {
      a.arrive();
      yield* world.ask("watch A", () => {
        outer = world.watch(a, Ready.readable, (self) => {
          a.read();
          inner ??= world.watch(b, Ready.readable, read);
          self.registration.modify(Ready.none);
        });
      });
      yield sim.until("B is read", () => b.ready === Ready.none);
      a.arrive();
      yield* world.ask("ask again for A", () => outer?.registration.modify(Ready.readable));
      yield sim.until("A is read again", () => a.ready === Ready.none);
    });
  },
};

const posts: Scenario = {
  name: "posts and timeouts on a foreign loop",
  about:
    "its timers come early and recur: nothing of ours fires early, fires twice or is forgotten, and no post is lost",
  actors: "two",
  subject(sim) {
    const world = new ForeignWorld(sim).withClock();
    const timeout = world.timeout("T", 30, () => undefined);
    const repeating = world.timeout("R", 10, (self) => (self.entered === 2 ? self.remove() : undefined), { every: 15 });
    sim.spawn("worker", function* () {
      yield* world.ask("a job", () => undefined);
      yield* world.ask("another", () => undefined);
    });
    world.atRest(() => {
      if (timeout.entered !== 1) world.fail(`T fired ${timeout.entered} times`);
      if (repeating.entered !== 2) world.fail(`R fired ${repeating.entered} times`);
    });
  },
};

export const scenarios: readonly Scenario[] = [lateCalls, reused, insideAdd, posts];
