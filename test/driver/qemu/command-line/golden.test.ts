import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { goldenDirectory, goldenNames, goldenPlan, goldenText, goldenXml } from "../golden-guests.ts";

/** Writes what is there now instead of comparing it. */
const isUpdate = process.env["UPDATE_GOLDEN"] !== undefined;

test("there are at least 40 live definitions whose arguments are kept", () => {
  assert.ok(goldenNames().length >= 40);
});

for (const name of goldenNames()) {
  test(`the guest '${name}' has the arguments that are kept (UPDATE_GOLDEN=1 keeps new ones)`, () => {
    const path = join(goldenDirectory, `${name}.args`);
    const found = goldenText(goldenPlan(goldenXml(name), "$DIR"));
    if (isUpdate) writeFileSync(path, found);
    assert.ok(existsSync(path), `${path} is missing`);
    assert.equal(found, readFileSync(path, "utf8"));
  });
}
