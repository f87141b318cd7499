import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";

const root = join(import.meta.dirname, "../..");
const pages = globSync(["*.md", "docs/**/*.md", "examples/*.md", "test/conformance/*.md"], { cwd: root });

suite("every link to a file of ours leads to it", () => {
  for (const page of pages) {
    test(page, () => {
      const links = [...readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(
        ([, to = ""]) => to,
      );
      const own = links.filter((to) => !/^\w+:/.test(to));
      const dead = own.filter((to) => !existsSync(join(root, dirname(page), to)));
      assert.deepEqual(dead, []);
    });
  }

  test("and there are some", () => assert.ok(pages.length > 10));
});
