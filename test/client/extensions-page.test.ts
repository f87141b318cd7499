import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { snippets } from "../house/snippets.ts";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(root, "test/.extensions-"));
after(() => rmSync(scratch, { recursive: true }));

it("the example of docs/extensions.md prints what it says", () => {
  const [example, ...others] = snippets(readFileSync(join(root, "docs/extensions.md"), "utf8"));
  assert.ok(example !== undefined && others.length === 0);
  const file = join(scratch, "example.ts");
  writeFileSync(file, example.code.replaceAll('"../src/', `"${root}/src/`));
  const result = spawnSync(process.execPath, [file], { encoding: "utf8", input: "", timeout: 20_000 });
  assert.equal(result.stdout, example.output, result.stderr);
});
