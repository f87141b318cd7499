import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(root, "test/.readme-"));
after(() => rmSync(scratch, { recursive: true }));

/** The package's own name leads to its sources: nothing has to be built for the examples to run. */
function fromSources(code: string): string {
  return code.replaceAll(/"virtwright\/(\w+)"/g, (_, name: string) =>
    JSON.stringify(join(root, "src", name, "index.ts")),
  );
}

/** Each TypeScript example with the output that the text promises below it. */
function examples(text: string): { code: string; output: string }[] {
  const found = text.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs);
  return [...found].map(([, code = "", output = ""]) => ({ code, output }));
}

suite("README.md", () => {
  const found = examples(readFileSync(join(root, "README.md"), "utf8"));

  test("has examples", () => assert.ok(found.length >= 2));

  for (const [index, { code, output }] of found.entries()) {
    test(`example ${index + 1} prints what it says`, () => {
      const file = join(scratch, `example-${index}.ts`);
      writeFileSync(file, fromSources(code));
      const result = spawnSync(process.execPath, [file], { encoding: "utf8", input: "", timeout: 20_000 });
      assert.equal(result.stdout, output, result.stderr);
    });
  }
});
