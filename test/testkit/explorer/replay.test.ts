import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { explore, exploreAsync, replay, replayAsync } from "../../../src/testkit/index.ts";
import { counting, deepBug, lostUpdate, lostUpdateAsync } from "./subjects.ts";

suite("a failing schedule", () => {
  for (const strategy of ["depth-first", "random", "pct"] as const) {
    test(`found ${strategy} replays from its string, step by step`, () => {
      const { failing } = explore(deepBug, { strategy });
      assert.ok(failing);
      const again = replay(deepBug, failing.text);
      assert.equal(again.failure?.message, failing.failure?.message);
      assert.deepEqual(again.story, failing.story);
    });
  }

  test("replays for async subjects too", async () => {
    const { failing } = await exploreAsync(lostUpdateAsync);
    assert.ok(failing);
    const again = await replayAsync(lostUpdateAsync, failing.text);
    assert.deepEqual([again.failure?.message, again.story], [failing.failure?.message, failing.story]);
  });

  test("goes on as before after its end", () => {
    const heard: string[] = [];
    replay(
      counting([2, 2], (order) => heard.push(order)),
      "1",
    );
    assert.deepEqual(heard, ["1100"]);
  });

  test("is refused by a subject that it does not fit", () => {
    assert.throws(() => replay(lostUpdate, "7"), /does not fit/);
  });
});

suite("the shrinker", () => {
  test("gives the shortest schedule of a known bug, whoever found it", () => {
    for (const strategy of ["depth-first", "random", "pct"] as const) {
      for (const seed of [1, 2, 3]) {
        const { failing } = explore(lostUpdate, { strategy, seed });
        // One starts and reads; two does all it has to do; then one writes what it has made of an old number.
        assert.equal(failing?.text, "001", `${strategy}, seed ${seed}`);
      }
    }
  });

  test("joins what a random schedule has torn apart: two surprises are left where the bug needs two", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      assert.equal(explore(deepBug, { strategy: "random", seed }).failing?.text, "_4_1_5_1");
    }
  });

  test("makes async schedules short as well", async () => {
    const { failing } = await exploreAsync(lostUpdateAsync, { strategy: "random", seed: 5 });
    assert.equal(failing?.text, "001");
  });
});
