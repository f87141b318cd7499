import { asSoonAsPossible } from "../fake-libxl/fake-osevents.ts";
import { Crowd } from "./crowd.ts";
import { ForeignWorld } from "./foreign-world.ts";
import { Library, Operation } from "./library.ts";
import type { Scenario } from "./scenario.ts";
import { SimWorld } from "./sim-world.ts";
import type { World } from "./world.ts";

const onSimulatedHost: Scenario = {
  name: "a crowd",
  about: "three threads and all callbacks register, modify, remove, close, reopen and throw at random",
  actors: "many",
  subject(sim) {
    new Crowd(new SimWorld(sim).withClock()).spawn(3, 4);
  },
};

const thatCloses: Scenario = {
  name: "a crowd and a close",
  about: "the same, while somebody closes the loop, which waits for the last callbacks or gives up",
  actors: "many",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    new Crowd(world).spawn(2, 4);
    sim.spawn("closer", function* () {
      for (let delay = sim.choose(8); delay > 0; delay--) yield sim.step("wait a little");
      world.loop.post(() => world.close(sim.choose(2) === 0 ? Infinity : 10));
      yield sim.until("wait for the end", () => world.loop.state === "closed");
    });
  },
};

const onForeignLoop: Scenario = {
  name: "a crowd on a foreign loop",
  about: "the same on somebody else's loop, which calls back late, early, and inside addHandle",
  actors: "many",
  subject(sim) {
    new Crowd(new ForeignWorld(sim).withClock()).spawn(2, 4);
  },
};

const operations: Scenario = {
  name: "a crowd of operations",
  about:
    "three operations of a library end by data or by time, and are moved and begun anew meanwhile; then all is drained",
  actors: "many",
  subject: (sim) => runOperations(new SimWorld(sim).withClock()),
};

const foreignOperations: Scenario = {
  name: "operations over two loops",
  about: "a library on our loop, which is driven by somebody else's",
  actors: "many",
  subject: (sim) => runOperations(new ForeignWorld(sim).withClock()),
};

function runOperations(world: World): void {
  const { sim } = world;
  const library = new Library(world);
  const pipes = ["A", "B", "C"].map((name) => world.pipe(name));
  const operations = pipes.map((pipe) => new Operation(library, pipe.name, pipe));
  let running = operations.length;
  for (const operation of operations) {
    sim.spawn(`application ${operation.name}`, function* () {
      yield* library.ask(`begin ${operation.name}`, () => operation.begin(world.loop.now() + 5 * sim.choose(3)));
      yield* library.ask(`change ${operation.name}`, () => {
        if (operation.outcome !== "none") return;
        const way = sim.choose(3);
        if (way === 0) return operation.moveTimeout(sim.choose(2) === 0 ? asSoonAsPossible : library.timeOfDay(40));
        operation.endTimeout();
        operation.beginTimeout(world.loop.now() + 5 * way);
      });
      running--;
    });
  }
  sim.spawn("kernel", function* () {
    for (const pipe of pipes) {
      yield sim.step(`data on ${pipe.name}`);
      if (sim.choose(2) === 0) pipe.arrive();
    }
  });
  sim.spawn("owner", function* () {
    yield sim.until("wait until all have begun", () => running === 0);
    yield* library.dispose();
  });
}

export const scenarios: readonly Scenario[] = [
  onSimulatedHost,
  thatCloses,
  onForeignLoop,
  operations,
  foreignOperations,
];
