import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { historyFile, readHistory, rememberLine } from "../../../src/cli/shell/history.ts";

suite("the history of the shell", () => {
  test("is where the user's state is", () => {
    assert.equal(historyFile({ XDG_STATE_HOME: "/s" }, "/home/u"), "/s/virtwright/history");
    assert.equal(historyFile({ XDG_STATE_HOME: "s" }, "/home/u"), "/home/u/.local/state/virtwright/history");
  });

  test("has the last line first, and is nobody else's to read", () => {
    const directory = mkdtempSync(join(tmpdir(), "vw-history-"));
    try {
      const file = join(directory, "deep", "history");
      assert.deepEqual(readHistory(file), []);
      rememberLine(file, "list");
      rememberLine(file, "uri");
      assert.deepEqual(readHistory(file), ["uri", "list"]);
      assert.equal(statSync(file).mode & 0o077, 0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
