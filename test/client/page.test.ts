import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { fromSources, snippets } from "../house/snippets.ts";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(root, "test/.client-page-"));
after(() => rmSync(scratch, { recursive: true }));

/** Values and types that `virtwright` has. */
function exportedNames(): string[] {
  const names = ["open", "client"].flatMap((part) => {
    const text = readFileSync(join(root, `src/${part}/index.ts`), "utf8");
    return [...text.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = ""]) => list.split(","));
  });
  return names.map((name) => name.replace(/^\s*(type )?\s*/, "").trim()).filter((name) => name !== "");
}

suite("docs/client.md", () => {
  const page = readFileSync(join(root, "docs/client.md"), "utf8");
  const found = snippets(page);

  test("has examples", () => assert.equal(found.length, 5));

  test("says of all that is exported what it is for", () => {
    const missing = exportedNames().filter((name) => !page.includes(`\`${name}\``));
    assert.deepEqual(missing, []);
  });

  for (const [index, { code, output }] of found.entries()) {
    test(`example ${index + 1} prints what it says`, () => {
      const file = join(scratch, `example-${index}.ts`);
      writeFileSync(file, fromSources(code));
      const result = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 60_000 });
      assert.equal(result.stdout, output, result.stderr);
    });
  }
});
