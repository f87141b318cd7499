import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { Nexus, type Token } from "../../src/event/index.ts";
import { generationOf, slotOf, tokenOf } from "../../src/event/nexus.ts";

suite("a nexus", () => {
  test("resolves a token to the object it was issued for, until it is retired", () => {
    const nexus = new Nexus<{ name: string }>();
    const token = nexus.issue({ name: "a" });
    assert.equal(nexus.resolve(token)?.name, "a");
    assert.equal(nexus.retire(token), true);
    assert.equal(nexus.resolve(token), undefined);
    assert.equal(nexus.retire(token), false);
  });

  test("issues a slot again under another generation, so that the old token stays dead", () => {
    const nexus = new Nexus<{ name: string }>();
    const old = nexus.issue({ name: "old" });
    nexus.retire(old);
    const token = nexus.issue({ name: "new" });
    assert.equal(slotOf(token), slotOf(old));
    assert.notEqual(token, old);
    assert.equal(nexus.resolve(old), undefined);
    assert.equal(nexus.retire(old), false);
    assert.equal(nexus.resolve(token)?.name, "new");
  });

  test("resolves what it never issued to nothing", () => {
    const nexus = new Nexus<object>();
    nexus.issue({});
    for (const token of [0, -1, 1.5, 2 ** 53, Number.NaN, Infinity]) assert.equal(nexus.resolve(token), undefined);
  });

  test("never issues a token twice, and resolves each to its own object only", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat({ max: 20 }), { nil: undefined }), { maxLength: 200 }), (actions) => {
        const nexus = new Nexus<{ token: Token }>();
        const out: { token: Token }[] = [];
        const issued = new Set<Token>();
        for (const action of actions) {
          if (action === undefined || out.length === 0) {
            const value = { token: 0 };
            value.token = nexus.issue(value);
            assert.ok(!issued.has(value.token));
            issued.add(value.token);
            out.push(value);
          } else {
            const [value] = out.splice(action % out.length, 1);
            if (value !== undefined) assert.equal(nexus.retire(value.token), true);
          }
          assert.equal(nexus.size, out.length);
          const alive = new Map(out.map((value) => [value.token, value]));
          for (const token of issued) assert.equal(nexus.resolve(token), alive.get(token));
        }
      }),
    );
  });

  test("splits a token into slot and generation without loss, up to the largest of both", () => {
    const slot = fc.nat({ max: 2 ** 21 - 1 });
    const generation = fc.integer({ min: 1, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(slot, generation, (slotGiven, generationGiven) => {
        const token = tokenOf(slotGiven, generationGiven);
        assert.ok(Number.isSafeInteger(token));
        assert.deepEqual([slotOf(token), generationOf(token)], [slotGiven, generationGiven]);
      }),
    );
  });
});
