import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { fromSources, snippets } from "../house/snippets.ts";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(root, "test/.examples-"));
after(() => rmSync(scratch, { recursive: true }));

function run(file: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 20_000 });
  assert.equal(status, 0, stderr);
  return stdout;
}

suite("docs/explorer.md", () => {
  const text = readFileSync(join(root, "docs/explorer.md"), "utf8");
  const found = snippets(text);

  for (const [index, { code, output }] of found.entries()) {
    test(`snippet ${index + 1} prints what it says`, () => {
      const file = join(scratch, `snippet-${index}.ts`);
      writeFileSync(file, fromSources(code));
      assert.equal(run(file), output);
    });
  }

  test("has no snippet that does not run", () => assert.equal(found.length, text.split("```ts").length - 1));
});

suite("examples/find-a-race", () => {
  const folder = join(root, "examples/find-a-race");

  test("finds the bug of its cache, shows how it comes about, and replays it", () => {
    for (const name of readdirSync(folder)) {
      writeFileSync(join(scratch, name), fromSources(readFileSync(join(folder, name), "utf8")));
    }
    const output = run(join(scratch, "main.ts"));
    assert.match(output, /^found after \d+ schedules; the shortest that fails is "0101"$/m);
    assert.match(output, /^reader +writer$/m);
    assert.match(output, /^assertion: the cache gives "old" after "new" was written$/m);
    assert.match(output, /^replayed: assertion$/m);
  });
});
