import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { explore, Mutex } from "../../../src/testkit/index.ts";

suite("a simulated lock", () => {
  test("excludes, and may be taken again by its holder", () => {
    const { failing, exhausted } = explore((sim) => {
      const lock = new Mutex(sim, "A");
      let inside = 0;
      for (const name of ["one", "two"]) {
        sim.spawn(name, function* () {
          yield* lock.lock();
          yield* lock.lock();
          if (++inside > 1) sim.fail("assertion", "two are inside");
          yield sim.step("work");
          inside--;
          yield* lock.unlock();
          if (!lock.locked) sim.fail("assertion", "given back after one of two");
          yield* lock.unlock();
        });
      }
    });
    assert.deepEqual([failing, exhausted], [undefined, true]);
  });

  test("may not be given back by somebody else", () => {
    const { failing } = explore((sim) => {
      const lock = new Mutex(sim, "A");
      sim.spawn("one", () => lock.unlock());
    });
    assert.match(failing?.failure?.message ?? "", /one unlocks A, which it does not hold/);
  });
});
