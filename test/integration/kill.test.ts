import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { endure } from "./killed-daemon/ordeal.ts";

suite("a daemon killed twenty times while eight clients change its domains", () => {
  test("has every change that it confirmed, each told once and in order, after every start", async (t) => {
    const seed = Number(process.env["VIRTWRIGHT_KILL_SEED"] ?? Date.now() % 1_000_000);
    t.diagnostic(`seed ${seed}: npm run campaign -- kill --seed ${seed}`);
    const outcome = await endure({ kills: 20, seed, longestLifeMs: 400 });
    const { kills, early, confirmed, longestStartMs, found } = outcome;
    t.diagnostic(`${kills} kills, ${early} before it served; ${confirmed} changes confirmed`);
    t.diagnostic(`longest start ${longestStartMs.toFixed(0)} ms`);
    assert.deepEqual(found, []);
    assert.ok(confirmed > 100, `only ${confirmed} changes were confirmed`);
  });
});
