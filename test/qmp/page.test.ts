import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fromSources, snippets } from "../house/snippets.ts";

const root = join(import.meta.dirname, "../..");
const missing = existsSync("/usr/bin/qemu-system-x86_64")
  ? false
  : "qemu-system-x86_64 is missing: sudo apt-get install qemu-system-x86";

it("the example of docs/qmp.md prints what it says", { skip: missing }, () => {
  const [example, ...others] = snippets(readFileSync(join(root, "docs/qmp.md"), "utf8"));
  assert.ok(example !== undefined && others.length === 0);
  const scratch = mkdtempSync(join(root, "test/.page-"));
  try {
    const file = join(scratch, "example.ts");
    writeFileSync(file, fromSources(example.code));
    const result = spawnSync(process.execPath, [file], { encoding: "utf8", input: "", timeout: 30_000 });
    assert.equal(result.stdout, example.output, result.stderr);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
