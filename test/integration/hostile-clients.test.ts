import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { besiege } from "./hostile-clients/siege.ts";

/** In ms. `npm run campaign -- clients` compares with a control; here other tests run at the same time. */
const longestWait = 1_000;

suite("a daemon among a hundred clients, thirty of them hostile", () => {
  test("serves the honest, gives a reason for each it drops, and is as small as before when all have left", async (t) => {
    const outcome = await besiege({
      clients: 100,
      rounds: 1,
      phaseMs: 1_500,
      pauseMs: 300,
      shakeMs: 30,
      honestProcesses: 1,
    });
    t.diagnostic(`p99 without offenders ${outcome.control.toFixed(1)} ms, with them ${outcome.besieged.toFixed(1)} ms`);
    assert.deepEqual(outcome.found, []);
    assert.ok(outcome.besieged < longestWait, `p99 ${outcome.besieged} ms`);
  });
});
