import { StateError } from "../../event/index.ts";
import { asSoonAsPossible } from "../fake-libxl/fake-osevents.ts";
import { Library, Operation } from "./library.ts";
import type { Scenario } from "./scenario.ts";
import { SimWorld } from "./sim-world.ts";

const operation: Scenario = {
  name: "an operation and its timeout",
  about: "a library's operation is done or times out, at about the same moment; then the context is drained and freed",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const library = new Library(world);
    const pipe = world.pipe("A");
    const operation = new Operation(library, "operation", pipe);
    sim.spawn("application", function* () {
      yield* library.ask("begin", () => operation.begin(10));
      yield sim.step("data");
      pipe.arrive();
      yield* library.dispose();
    });
    world.atRest(() => {
      if (operation.outcome === "none") world.fail("the operation never ends");
    });
  },
};

const moved: Scenario = {
  name: "a library's timeout is moved",
  about: "into the past, or to a later time, just when it occurs: it completes exactly once, and never too early",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const library = new Library(world);
    const operation = new Operation(library, "operation", world.pipe("A"));
    sim.spawn("application", function* () {
      yield* library.ask("begin", () => operation.begin(10));
      yield* library.ask("move", () => {
        if (operation.outcome !== "none") return;
        operation.moveTimeout(library.timeOfDay(sim.choose(2) === 0 ? -1 : 30));
      });
      yield* library.dispose();
    });
    world.atRest(() => {
      if (operation.outcome !== "timed out") world.fail(`the outcome is: ${operation.outcome}`);
    });
  },
};

const whose: Scenario = {
  name: "whose timeout is it",
  about: "one timeout is given up and another registered on the same object at once: each occurs for itself",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const library = new Library(world);
    const operation = new Operation(library, "operation", world.pipe("A"));
    sim.spawn("application", function* () {
      yield* library.ask("begin", () => operation.begin(0));
      yield* library.ask("begin anew", () => {
        if (operation.outcome !== "none") return;
        operation.endTimeout();
        operation.beginTimeout(world.loop.now() + 20);
      });
      yield* library.dispose();
    });
    world.atRest(() => {
      if (operation.outcome !== "timed out") world.fail(`the outcome is: ${operation.outcome}`);
    });
  },
};

const staleCookie: Scenario = {
  name: "a stale cookie",
  about: "a cookie whose timeout has occurred is handed in again after another was registered: refused, without effect",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const library = new Library(world);
    const [first, second] = ["A", "B"].map((name) => new Operation(library, name, world.pipe(name)));
    if (first === undefined || second === undefined) return;
    sim.spawn("application", function* () {
      yield* library.ask("begin A", () => first.begin(0));
      yield sim.until("wait for A", () => first.outcome === "timed out");
      yield* library.ask("begin B, hand in A's cookies", () => {
        second.begin(100);
        const refused =
          isRefused(() => library.osevents.hook((hooks) => hooks.timeoutModify(first.timeoutCell, asSoonAsPossible))) &&
          isRefused(() => library.osevents.hook((hooks) => hooks.fdDeregister(first.fdCell.load())));
        if (!refused) world.fail("a stale cookie was accepted");
        if (library.hooks.size !== 2) world.fail("a stale cookie had an effect");
        second.moveTimeout(asSoonAsPossible);
      });
      yield* library.dispose();
    });
    world.atRest(() => {
      if (second.outcome !== "timed out") world.fail("B did not time out");
    });
  },
};

const drained: Scenario = {
  name: "drained before disposal",
  about: "operations end while the application waits to free the context, with timeouts and calls outstanding",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim).withClock();
    const library = new Library(world);
    const pipes = ["A", "B"].map((name) => world.pipe(name));
    const operations = pipes.map((pipe) => new Operation(library, pipe.name, pipe));
    sim.spawn("application", function* () {
      yield* library.ask("begin", () => operations.forEach((each, index) => each.begin(10 + index)));
      for (const pipe of pipes) pipe.arrive();
      yield* library.dispose();
      if (operations.some(({ memory }) => !memory.released)) world.fail("an operation outlives the context");
    });
  },
};

function isRefused(action: () => void): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (error instanceof StateError) return true;
    throw error;
  }
}

export const scenarios: readonly Scenario[] = [operation, moved, whose, staleCookie, drained];
