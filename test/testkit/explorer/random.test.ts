import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Bounds, explore, PctScheduler } from "../../../src/testkit/index.ts";
import { counting, deepBug } from "./subjects.ts";

function orders(bounds: Bounds): string[] {
  const heard: string[] = [];
  explore(
    counting([4, 4, 4], (order) => heard.push(order)),
    bounds,
  );
  return heard;
}

for (const strategy of ["random", "pct"] as const) {
  suite(`the ${strategy} scheduler`, () => {
    test("does the same for the same seed, and something else for another", () => {
      const first = orders({ strategy, seed: 7, executions: 50 });
      assert.deepEqual(orders({ strategy, seed: 7, executions: 50 }), first);
      assert.notDeepEqual(orders({ strategy, seed: 8, executions: 50 }), first);
    });

    test("runs as many executions as it is told, and claims no completeness", () => {
      const { executions, exhausted } = explore(
        counting([2, 2], () => undefined),
        { strategy, executions: 123 },
      );
      assert.deepEqual([executions, exhausted], [123, false]);
    });

    test("tries many orders", () => {
      assert.ok(new Set(orders({ strategy, executions: 200 })).size > 10);
    });
  });
}

suite("PCT", () => {
  test("finds a bug of depth 3 with every seed, well within its bound", (t) => {
    const needed = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const { failing, executions } = explore(deepBug, { strategy: "pct", depth: 3, seed, executions: 5_000 });
      assert.equal(failing?.failure?.message, "all in the wrong order");
      return executions;
    });
    t.diagnostic(`executions needed: ${needed.join(", ")}`);
  });

  test("makes as many changes of priority as the depth allows: with depth 1 an actor runs as long as it can", () => {
    const heard = orders({ strategy: "pct", depth: 1, executions: 100 });
    for (const order of heard) assert.match(order, /^(\d)\1{3}(\d)\2{3}(\d)\3{3}$/);
  });

  test("lets who fell later go on before who fell first, too: no order of that depth is out of its reach", () => {
    const heard: string[] = [];
    explore(
      counting([2, 2, 1], (order) => heard.push(order)),
      { strategy: "pct", depth: 3, executions: 10_000 },
    );
    assert.ok(heard.includes("01201"), "the first to fall goes on first");
    assert.ok(heard.includes("01210"), "the last to fall goes on first");
  });

  test("lets a task that yields fall behind all others, so that a busy loop ends", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const report = explore(
        (sim) => {
          let ready = false;
          sim.spawn("spinner", function* () {
            while (!ready) yield sim.pause("look again");
          });
          sim.spawn("worker", function* () {
            yield sim.step("work");
            ready = true;
          });
        },
        { scheduler: new PctScheduler({ seed, executions: 20 }), maxSteps: 100 },
      );
      assert.equal(report.failing, undefined);
    }
  });
});
