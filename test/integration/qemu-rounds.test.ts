import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { runRounds } from "./killed-qemu-daemon/rounds.ts";
import { bounded } from "./qemu-bench.ts";

suite("the test script of 2012, ten times over with four guests at once", () => {
  test("each step is told and seen as libvirtd has it, and nothing is left behind", {
    ...bounded,
    timeout: 175_000,
  }, async () => {
    assert.deepEqual(await runRounds({ rounds: 10, guests: 4 }), []);
  });
});
