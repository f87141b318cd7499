import type { Scenario } from "./scenario.ts";
import { SimWorld } from "./sim-world.ts";
import type { TimeoutWitness } from "./witness.ts";
import type { World } from "./world.ts";

/** What one callback may do to another timeout of the same pass, and how often that one fires then. */
const interventions = [
  { about: "removes it", fires: 0, act: (other: TimeoutWitness) => other.remove() },
  { about: "moves it to 20", fires: 1, act: (other: TimeoutWitness) => other.modify(20) },
  { about: "moves it to now", fires: 1, act: (other: TimeoutWitness) => other.modify("now") },
  { about: "disarms it", fires: 0, act: (other: TimeoutWitness) => other.modify("never") },
  {
    about: "removes it, then would move it",
    fires: 0,
    act(other: TimeoutWitness) {
      other.remove();
      other.registration.modify("now");
    },
  },
] as const;

const changedInPass: Scenario = {
  name: "timeouts changed within a pass",
  about: "of three timeouts due together the first removes or moves another one and adds a fourth",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    let added: TimeoutWitness | undefined;
    const expected = [1, 1, 1];
    world.timeout("T0", 10, () => {
      const choice = sim.choose(timeouts.length);
      const intervention = interventions[sim.choose(interventions.length)] ?? interventions[0];
      sim.note(`T${choice + 1}: ${intervention.about}`);
      intervention.act(timeouts[choice] as TimeoutWitness);
      expected[choice] = intervention.fires;
      added = world.timeout("T4", "now", () => undefined);
    });
    const timeouts = [1, 2, 3].map((number) => world.timeout(`T${number}`, 10, () => undefined));
    world.atRest(() => {
      for (const [index, timeout] of timeouts.entries()) expectFirings(world, timeout, expected[index] ?? 0);
      expectFirings(world, added, 1);
    });
  },
};

const modifiedByPost: Scenario = {
  name: "modify against occurred",
  about: "a worker has a timeout moved, by the time it is due or just then; it fires once, and not early",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const timeout = world.timeout("T", 10, () => undefined);
    sim.spawn("worker", function* () {
      const moves = [30, "now", "never"] as const;
      yield* world.ask("move", () => {
        const move = moves[sim.choose(moves.length)];
        sim.note(`moves T to ${move}`);
        if (move !== undefined && timeout.entered === 0) timeout.modify(move);
      });
      yield* world.ask("move again", () => {
        if (timeout.entered === 0) timeout.modify(30);
      });
    });
    world.atRest(() => expectFirings(world, timeout, 1));
  },
};

const removedByPost: Scenario = {
  name: "a timeout removed by post",
  about: "a worker has a repeating timeout removed, and then moved: it never fires after that",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const endAfterThree = (self: TimeoutWitness): void => (self.entered === 3 ? self.remove() : undefined);
    const timeout = world.timeout("T", 10, endAfterThree, { every: 10 });
    sim.spawn("worker", function* () {
      yield* world.ask("remove", () => timeout.remove());
      yield* world.ask("move", () => timeout.registration.modify("now"));
    });
  },
};

const repeating: Scenario = {
  name: "a repeating timeout with an async callback",
  about: "it is armed again when its callback has ended, never before; time does not stand still meanwhile",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const timeout = world.timeout(
      "T",
      10,
      (self) => {
        if (self.entered === 2) return self.remove();
        return world.later("callback goes on", function* () {
          yield sim.step("half way");
        });
      },
      { every: 10 },
    );
    world.timeout("U", 20, () => undefined);
    world.atRest(() => expectFirings(world, timeout, 2));
  },
};

const modifiedInside: Scenario = {
  name: "a timeout that moves itself",
  about: "what an async callback asks for its own timeout holds from its end on",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const timeout = world.timeout("T", "now", (self) => {
      if (self.entered > 1) return undefined;
      self.modify("now");
      return world.later("callback goes on", function* () {
        yield sim.step("half way");
        self.modify(10);
      });
    });
    world.atRest(() => {
      expectFirings(world, timeout, 2);
      if (world.loop.now() < 10) world.fail("T did not wait");
    });
  },
};

function expectFirings(world: World, timeout: TimeoutWitness | undefined, count: number): void {
  if (timeout?.entered !== count) world.fail(`${timeout?.name} fired ${timeout?.entered} times instead of ${count}`);
}

export const scenarios: readonly Scenario[] = [changedInPass, modifiedByPost, removedByPost, repeating, modifiedInside];
