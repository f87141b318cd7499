import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SimulatedXen } from "./killed-xen-daemon/simulated-xen.ts";
import { endureOnXen } from "./killed-xen-daemon/xen-ordeal.ts";

suite("Xen's guests go through the test script, four at once, while the daemon and libxl's processes are killed", () => {
  test("each run has one end that is told, none is taken up twice, and nothing is left", {
    timeout: 120_000,
  }, async (t) => {
    const seed = Number(process.env["VIRTWRIGHT_KILL_SEED"] ?? Date.now() % 1_000_000);
    t.diagnostic(`VIRTWRIGHT_KILL_SEED=${seed}`);
    const options = { rounds: 5, from: 0, seed, guests: 4, onRound: (_: unknown, said: string) => t.diagnostic(said) };
    const outcome = await endureOnXen(options, (loop, directory) => new SimulatedXen(loop, directory));
    t.diagnostic(JSON.stringify({ ...outcome, warnings: outcome.warnings.length }));
    assert.deepEqual(outcome.found, []);
    assert.equal(outcome.rounds, 5);
  });
});
