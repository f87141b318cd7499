import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type AsyncSubject, exploreAsync } from "../../../src/testkit/index.ts";
import { lostUpdateAsync } from "./subjects.ts";

suite("exploring async functions", () => {
  test("tries every interleaving of their steps exactly once", async () => {
    const orders: string[] = [];
    const subject: AsyncSubject = (sim) => {
      let order = "";
      for (const name of ["0", "1"]) {
        sim.spawn(name, async () => {
          order += name;
          await sim.step("one");
          order += name;
          await sim.step("two");
          order += name;
        });
      }
      sim.atEnd(() => orders.push(order));
    };
    const { executions, exhausted } = await exploreAsync(subject, { preemptions: Infinity });
    assert.deepEqual([executions, exhausted, new Set(orders).size], [20, true, 20]);
  });

  test("finds the lost update, with the shortest story", async () => {
    const { failing } = await exploreAsync(lostUpdateAsync);
    assert.equal(failing?.failure?.message, "the total is 1");
    assert.deepEqual(
      failing.story.map(({ task, text }) => `${failing.tasks[task]}: ${text}`),
      ["one: start one", "one: read", "two: start two", "two: read", "two: write", "one: write"],
    );
  });

  test("lets everything that needs no step happen before the next one", async () => {
    const subject: AsyncSubject = (sim) => {
      let settled = 0;
      sim.spawn("one", async () => {
        await sim.step("begin");
        for (let round = 0; round < 100; round++) await Promise.resolve();
        settled = 100;
        await sim.step("end");
      });
      sim.spawn("two", async () => {
        await sim.step("look");
        if (settled !== 0 && settled !== 100) sim.fail("assertion", `half way: ${settled}`);
      });
    };
    const { failing, exhausted } = await exploreAsync(subject);
    assert.deepEqual([failing, exhausted], [undefined, true]);
  });

  test("gives each branch of a Promise.all a line of its own", async () => {
    const orders = new Set<string>();
    const subject: AsyncSubject = (sim) => {
      let order = "";
      const fetch = async (what: string): Promise<void> => {
        await sim.step(what);
        order += what;
      };
      sim.spawn("one", async () => {
        await Promise.all([fetch("a"), fetch("b"), fetch("c")]);
        orders.add(order);
      });
    };
    await exploreAsync(subject, { preemptions: Infinity });
    assert.equal(orders.size, 6);
  });

  test("waits for a condition, and tells when it never comes", async () => {
    const waiting = (comes: boolean): AsyncSubject => {
      return (sim) => {
        let ready = false;
        sim.spawn("waiter", () => sim.until("be ready", () => ready));
        sim.spawn("other", async () => {
          await sim.step("work");
          ready = comes;
        });
      };
    };
    assert.equal((await exploreAsync(waiting(true))).failing, undefined);
    const { failing } = await exploreAsync(waiting(false));
    assert.equal(failing?.failure?.kind, "lost wakeup");
  });

  test("reports a rejection, and a step outside the actors", async () => {
    const rejected = await exploreAsync((sim) => sim.spawn("one", () => Promise.reject(new Error("broken"))));
    assert.equal(rejected.failing?.failure?.message, "broken");
    const outside = await exploreAsync((sim) => void sim.step("nobody"));
    assert.match(outside.failing?.failure?.message ?? "", /outside the actors/);
  });
});
