import assert from "node:assert/strict";
import { test } from "node:test";
import { top } from "../../../src/cli/top/top.ts";
import { around } from "../../../src/cli/verbs/around.ts";
import { Given } from "../../../src/cli/verbs/verb.ts";
import { open } from "../../../src/open/index.ts";

test("one look at a terminal leaves its screen alone", async () => {
  await using connection = await open("test:///default", { embed: true });
  const shown: string[] = [];
  const where = { ...around({ out: (text) => void shown.push(text), error: assert.fail }), isWatched: true };
  for (const option of ["once", "json"]) {
    const listing = await top(connection, new Given({ [option]: true }), where);
    assert.ok(typeof listing === "object" && listing.rows.length === 1);
  }
  assert.deepEqual(shown, []);
});
