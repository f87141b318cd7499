import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { reconnecting } from "./reconnecting.ts";

const directory = mkdtempSync(join(tmpdir(), "vw-reconnect-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const cuts = 96;
const kills = 4;

suite("a connection that is cut in mid-message again and again, and whose daemon is killed", {
  timeout: 120_000,
}, () => {
  test("loses no event, and leaves no call unsettled", async () => {
    const { heard, gaps, pending, failed, heap } = await reconnecting({ cuts, kills }, directory);
    assert.deepEqual(gaps, []);
    assert.equal(pending, 0);
    const [early, late] = heap;
    assert.ok(late < early * 1.2 + 2_097_152, `${early} bytes live after a tenth, ${late} at the end`);
    assert.ok(failed > 0, "no call was hit");
    assert.ok(heard.length > cuts + kills, `${heard.length} events`);
    // One that was missing, or came twice, would be seen.
    for (const [index, each] of heard.entries()) {
      assert.equal(each, index % 2 === 0 ? "suspended" : "resumed", `event ${index} of ${heard.length}`);
    }
  });
});
