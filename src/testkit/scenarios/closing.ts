import { Ready } from "../../event/index.ts";
import { Mutex } from "../sim/mutex.ts";
import type { Scenario } from "./scenario.ts";
import { SimWorld } from "./sim-world.ts";

const everythingOutstanding: Scenario = {
  name: "close with everything outstanding",
  about: "watches ready, timeouts due, a callback under way, jobs posted: nothing is called back after close, all ends",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const [a, b] = [world.pipe("A"), world.pipe("B")];
    world.watch(a, Ready.readable, () => {
      a.read();
      return world.later("callback goes on", function* () {
        yield sim.step("half way");
      });
    });
    world.watch(b, Ready.readable, () => void b.read());
    world.timeout("T", "now", () => undefined, { every: 0 }).modify(5);
    world.timeout("never", "never", () => undefined);
    sim.spawn("worker", function* () {
      yield sim.step("data");
      a.arrive();
      b.arrive();
      yield sim.step("post close");
      world.loop.post(() => world.close());
      yield sim.until("wait for the end", () => world.loop.state === "closed");
    });
  },
};

const nested: Scenario = {
  name: "close from inside",
  about:
    "a callback, a job or a release function closes the loop, once or twice, with others of the pass still to come",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipes = ["A", "B"].map((name) => world.pipe(name));
    const place = sim.choose(4);
    const closeHere = (here: number): void => {
      if (here !== place) return;
      world.close();
      world.close();
    };
    const watches = pipes.map((pipe) =>
      world.watch(pipe, Ready.readable, () => {
        pipe.read();
        closeHere(0);
      }),
    );
    world.timeout("T", "now", () => closeHere(1));
    world.loop.timeout("now", () => undefined, { release: () => closeHere(2) });
    sim.spawn("worker", function* () {
      yield sim.step("data");
      for (const pipe of pipes) pipe.arrive();
      yield sim.step("post");
      world.loop.post(() => {
        closeHere(3);
        for (const { inside } of watches) if (inside) world.fail("a job runs inside a callback");
      });
      yield sim.until("wait for the end", () => world.loop.state === "closed");
    });
  },
};

const throwing: Scenario = {
  name: "throwing callbacks",
  about: "jobs, timeouts, watches and release functions throw: each error is reported and nobody else is hurt",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipes = ["A", "B"].map((name) => world.pipe(name));
    const raise = (what: string) => (): never => {
      throw new Error(what);
    };
    const raiseOnce = raise("watch");
    const watches = pipes.map((pipe) =>
      world.watch(pipe, Ready.readable, () => {
        pipe.read();
        raiseOnce();
      }),
    );
    const timeouts = ["T", "U"].map((name) => world.timeout(name, "now", raise("timeout")));
    world.loop.timeout("now", raise("timeout"), { name: "R", release: raise("release") });
    sim.spawn("worker", function* () {
      world.loop.post(raise("job"));
      world.loop.post(() => pipes.forEach((pipe) => pipe.arrive()));
      yield sim.until("wait for all", () => [...watches, ...timeouts].every(({ entered }) => entered === 1));
    });
    world.atRest(() => {
      const thrown = world.errors.toSorted().join("; ");
      const wanted =
        "R: Error: release; R: Error: timeout; T: Error: timeout; U: Error: timeout; post: Error: job; " +
        "watch on A: Error: watch; watch on B: Error: watch";
      if (thrown !== wanted) world.fail(`reported was: ${thrown}`);
    });
  },
};

const nothingHeld: Scenario = {
  name: "nothing is held over foreign code",
  about: "a worker posts while it holds a lock that callback and release function take: nobody waits in a circle",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const lock = new Mutex(sim, "the application's lock");
    const pipe = world.pipe("A");
    const locked = (label: string) => () =>
      sim.call(label, function* () {
        yield* lock.lock();
        yield* lock.unlock();
      });
    const watch = world.watch(pipe, Ready.readable, () => {
      pipe.read();
      return locked("callback")();
    });
    world.loop.timeout("now", () => undefined, { release: () => void locked("release")() });
    sim.spawn("worker", function* () {
      yield* lock.lock();
      pipe.arrive();
      yield sim.step("post while holding the lock");
      let ran = false;
      world.loop.post(() => {
        ran = true;
      });
      yield* lock.unlock();
      yield sim.until("wait for job and callback", () => ran && watch.entered === 1);
    });
  },
};

export const scenarios: readonly Scenario[] = [everythingOutstanding, nested, throwing, nothingHeld];
