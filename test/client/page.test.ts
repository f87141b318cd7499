import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { fromSources, snippets } from "../house/snippets.ts";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(root, "test/.client-page-"));
after(() => rmSync(scratch, { recursive: true }));

suite("docs/client.md", () => {
  const found = snippets(readFileSync(join(root, "docs/client.md"), "utf8"));

  test("has examples", () => assert.equal(found.length, 3));

  for (const [index, { code, output }] of found.entries()) {
    test(`example ${index + 1} prints what it says`, () => {
      const file = join(scratch, `example-${index}.ts`);
      writeFileSync(file, fromSources(code));
      const result = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 60_000 });
      assert.equal(result.stdout, output, result.stderr);
    });
  }
});
