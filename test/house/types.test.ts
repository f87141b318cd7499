import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** Node only strips the types: without this, what does not compile would still pass. */
test("everything compiles: sources, tests, benches, fuzzing, examples and tools", () => {
  const tsc = join(root, "node_modules/.bin/tsc");
  const { status, stdout } = spawnSync(tsc, ["-b", "--stopBuildOnErrors"], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
