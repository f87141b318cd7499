import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { PasswordGate } from "../../../src/daemon/sasl/password-gate.ts";

suite("the gate for passwords", () => {
  test("lets two be tried at once and twenty wait, and refuses more", async () => {
    const gate = new PasswordGate();
    const running: (() => void)[] = [];
    const begin = () =>
      gate.run(
        () => true,
        () => new Promise<void>((resolve) => running.push(resolve)),
      );
    const all = Array.from({ length: 22 }, begin);
    await assert.rejects(begin(), { name: "RefusedError", message: "too many passwords are being tried" });
    assert.equal(running.length, 2);
    for (let index = 0; index < 22; index++) {
      running[index]?.();
      await all[index];
      await new Promise(setImmediate);
      assert.equal(running.length, Math.min(index + 3, 22));
    }
    const later = begin();
    assert.equal(running.length, 23, "all places are free again");
    running[22]?.();
    await later;
  });

  test("tries no password of one who has left meanwhile", async () => {
    const gate = new PasswordGate(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = gate.run(
      () => true,
      () => promise,
    );
    let tried = false;
    let isThere = true;
    const second = gate.run(
      () => isThere,
      async () => void (tried = true),
    );
    isThere = false;
    resolve();
    await first;
    await assert.rejects(second, { name: "RefusedError" });
    assert.equal(tried, false);
  });
});
