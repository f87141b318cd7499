import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SimulatedXen } from "./killed-xen-daemon/simulated-xen.ts";
import { growth, type Leftovers, leftovers } from "./killed-xen-daemon/xen-leftovers.ts";
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

  test("what is on its way is waited for, and is nothing that is left", async () => {
    const held = { descriptors: 20, connections: 2, subscriptions: 1, registrations: 9 };
    const quiet = { domains: [], nodes: [], files: [], observers: 1, helpers: 0, descriptors: new Map(), held };
    const starting = { ...quiet, held: { ...held, registrations: 10 } };
    const looks = [starting, starting, quiet, starting];
    const now = await leftovers(
      async () => looks.shift() ?? assert.fail(),
      (seen) => growth(quiet, seen),
    );
    assert.deepEqual([now, looks.length], [quiet, 1]);
  });

  test("whatever is left is said", () => {
    const held = { descriptors: 20, connections: 2, subscriptions: 1, registrations: 9 };
    const quiet: Leftovers = {
      domains: [],
      nodes: ["/tool"],
      files: [],
      observers: 1,
      helpers: 0,
      descriptors: new Map([[7, 12]]),
      held,
    };
    assert.deepEqual(growth(quiet, { ...quiet, nodes: [], descriptors: new Map([[8, 30]]) }), []);
    const left: Leftovers = {
      domains: ["3"],
      nodes: ["/tool", "/vm/3"],
      files: ["run/a.json"],
      observers: 2,
      helpers: 1,
      descriptors: new Map([[7, 13]]),
      held: { ...held, registrations: 10 },
    };
    assert.deepEqual(growth(quiet, left), [
      "domain 3 is left",
      "/vm/3 is left in xenstore",
      "run/a.json is left",
      "2 processes observe",
      "1 helpers are left",
      "libxl's process 7 has 13 descriptors, not 12",
      "the daemon has 10 registrations, not 9",
    ]);
  });
});
