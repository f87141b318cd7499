import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Bounds, boundsFromEnvironment } from "../../../src/testkit/index.ts";

suite("bounds from the environment", () => {
  test("override those of the code, one by one", () => {
    const bounds: Bounds = { preemptions: 2, executions: 100, seed: 1 };
    assert.deepEqual(boundsFromEnvironment({}, bounds), bounds);
    const env = { VIRTWRIGHT_EXPLORE_PREEMPTIONS: "3", VIRTWRIGHT_EXPLORE_SEED: "", VIRTWRIGHT_EXPLORE_MAX_STEPS: "9" };
    assert.deepEqual(boundsFromEnvironment(env, bounds), { preemptions: 3, executions: 100, seed: 1, maxSteps: 9 });
    const strategy = { VIRTWRIGHT_EXPLORE_STRATEGY: "pct", VIRTWRIGHT_EXPLORE_DEPTH: "4" };
    assert.deepEqual(boundsFromEnvironment(strategy), { strategy: "pct", depth: 4 });
  });

  test("are refused with the variable's name when they make no sense", () => {
    assert.throws(() => boundsFromEnvironment({ VIRTWRIGHT_EXPLORE_SEED: "x" }), /VIRTWRIGHT_EXPLORE_SEED=x: give a/);
    assert.throws(() => boundsFromEnvironment({ VIRTWRIGHT_EXPLORE_EXECUTIONS: "-1" }), RangeError);
    assert.throws(() => boundsFromEnvironment({ VIRTWRIGHT_EXPLORE_STRATEGY: "best" }), /depth-first, random or pct/);
  });
});
