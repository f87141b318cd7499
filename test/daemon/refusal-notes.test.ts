import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { RefusalNotes } from "../../src/daemon/refusal-notes.ts";

suite("notes of those who were not let in", () => {
  test("are 20 a minute, and then how many more there were", () => {
    let now = 0;
    const written: string[] = [];
    const notes = new RefusalNotes(
      () => now,
      (note) => written.push(note),
    );
    for (let count = 0; count < 50; count++) notes.add("one");
    assert.equal(written.length, 20);
    now = 60_000;
    notes.add("another");
    assert.deepEqual(written.slice(20), ["… and 30 more were not let in", "another"]);
  });
});
