import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { endureWithGuests } from "./killed-qemu-daemon/qemu-ordeal.ts";
import { bounded } from "./qemu-bench.ts";

suite("a daemon killed ten times while it starts, saves, dumps and ends eight guests", () => {
  test("each guest runs on or has one end that is told, none runs twice, and nothing is left", {
    ...bounded,
    timeout: 170_000,
  }, async (t) => {
    const seed = Number(process.env["VIRTWRIGHT_KILL_SEED"] ?? Date.now() % 1_000_000);
    t.diagnostic(`seed ${seed}: npm run campaign -- qemu --seed ${seed}`);
    const outcome = await endureWithGuests({ kills: 10, seed, longestLifeMs: 1_500 });
    t.diagnostic(`${outcome.confirmed} changes confirmed, ${outcome.survivors} times a guest was found running`);
    assert.deepEqual(outcome.found, []);
    assert.ok(outcome.confirmed > 20, `only ${outcome.confirmed} changes were confirmed`);
  });
});
