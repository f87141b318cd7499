import assert from "node:assert/strict";
import { test } from "node:test";
import { takeFirst } from "../../src/event/index.ts";

test("what waits is taken in its order, until nothing is left", () => {
  const waiting = [1, 2, 3];
  assert.deepEqual(
    Array.from({ length: 4 }, () => takeFirst(waiting)),
    [1, 2, 3, undefined],
  );
  assert.deepEqual(waiting, []);
});
