import assert from "node:assert/strict";
import { test } from "node:test";
import { codeSetName, qemuKey } from "../../../src/driver/qemu/tuning/key-codes.ts";

const [linux, xt, usb, win32, qnum] = [0, 1, 7, 8, 9];

test("a key has one number for QEMU, in whatever set it is given", () => {
  // A, in three sets; then the key right of the space bar that came later.
  assert.deepEqual([qemuKey(linux, 30), qemuKey(xt, 30), qemuKey(usb, 4)], [30, 30, 30]);
  assert.deepEqual(
    [qemuKey(linux, 100), qemuKey(xt, 0xe038), qemuKey(usb, 230), qemuKey(qnum, 0xb8)],
    Array(4).fill(0xb8),
  );
});

test("there are no keys but those, and sets of which nothing is known", () => {
  for (const code of [0, 84, 128, 700]) assert.equal(qemuKey(linux, code), undefined, String(code));
  assert.equal(qemuKey(win32, 65), undefined);
  assert.deepEqual([codeSetName(linux), codeSetName(win32), codeSetName(99)], ["linux", "win32", undefined]);
});
