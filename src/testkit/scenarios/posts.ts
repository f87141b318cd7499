import { Ready } from "../../event/index.ts";
import type { Scenario } from "./scenario.ts";
import { SimWorld } from "./sim-world.ts";

const coalescing: Scenario = {
  name: "posts coalesce",
  about: "two threads post two jobs each and wait for them: wakeups may merge, but none is lost, and order is kept",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    for (const thread of ["first", "second"]) {
      sim.spawn(`${thread} thread`, function* () {
        let done = 0;
        for (let job = 0; job < 2; job++) {
          yield sim.step("post");
          world.loop.post(() => {
            if (done !== job) world.fail(`job ${job} of the ${thread} thread ran after ${done} jobs`);
            done++;
          });
        }
        yield sim.until("wait for the jobs", () => done === 2);
      });
    }
  },
};

const chained: Scenario = {
  name: "posts from inside a turn",
  about: "jobs, callbacks and release functions post: each such job waits for the next turn and runs there",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    const pipe = world.pipe("A");
    let ran = 0;
    const postOne = (): void => {
      const from = world.turns;
      world.loop.post(() => {
        ran++;
        if (world.turns !== from + 1) world.fail(`posted in turn ${from}, run in turn ${world.turns}`);
      });
    };
    world.loop.timeout("now", postOne, { release: postOne });
    world.watch(pipe, Ready.readable, () => {
      pipe.read();
      postOne();
    });
    sim.spawn("worker", function* () {
      yield sim.step("data");
      pipe.arrive();
      yield sim.step("post");
      world.loop.post(postOne);
      yield sim.until("wait for the jobs", () => ran === 4);
    });
  },
};

const untilClosed: Scenario = {
  name: "posts against close",
  about: "a job that was accepted runs, one that was refused does not, however close the loop's end is",
  actors: "two",
  subject: (sim) => postUntilClosed(new SimWorld(sim), Infinity),
};

const untilGivenUp: Scenario = {
  name: "posts against a close that gives up",
  about: "the same, when a callback outlasts the loop's patience; that one is released all the same, at its end",
  actors: "two",
  subject(sim) {
    const world = new SimWorld(sim);
    world.timeout("T", "now", () =>
      world.later("callback goes on", function* () {
        yield sim.until("outlast the loop", () => world.loop.state === "closed");
      }),
    );
    postUntilClosed(world, 10);
  },
};

function postUntilClosed(world: SimWorld, timeoutMs: number): void {
  const { sim } = world;
  const jobs: { accepted: boolean; ran: boolean }[] = [];
  const post = (action: () => void): void => {
    const job = { accepted: false, ran: false };
    jobs.push(job);
    job.accepted = world.loop.post(() => {
      job.ran = true;
      action();
    });
  };
  sim.spawn("worker", function* () {
    yield sim.step("post close");
    post(() => world.close(timeoutMs));
    yield sim.until("post when it is closing", () => world.closing);
    post(() => post(() => undefined));
    yield sim.step("time passes");
    world.host.advance(10);
    yield sim.step("post again");
    post(() => undefined);
    yield sim.until("wait for the end", () => world.loop.state === "closed");
  });
  sim.atEnd(() => {
    for (const { accepted, ran } of jobs) {
      if (accepted !== ran) world.fail(accepted ? "an accepted job was lost" : "a refused job ran");
    }
  });
}

export const scenarios: readonly Scenario[] = [coalescing, chained, untilClosed, untilGivenUp];
