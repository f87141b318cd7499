import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { coverageText } from "../../tools/coverage/table.ts";

it("docs/coverage.md says who answers which call", async () => {
  const page = readFileSync(new URL("../../docs/coverage.md", import.meta.url), "utf8");
  assert.ok((await coverageText()) === page, "it is not up to date: node tools/coverage.ts > docs/coverage.md");
});
