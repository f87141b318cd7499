import { readFileSync } from "node:fs";
import { coverageText } from "./coverage/table.ts";

/**
 * Which calls of libvirt's wire are answered here:
 *
 *     node tools/coverage.ts > docs/coverage.md
 *     node tools/coverage.ts --check
 *
 * Exit code of the check: 0 when the committed page is what would be written, otherwise 1.
 */
const page = new URL("../docs/coverage.md", import.meta.url);
const text = await coverageText();
if (process.argv[2] !== "--check") process.stdout.write(text);
else if (readFileSync(page, "utf8") !== text) {
  console.error("docs/coverage.md is not up to date: node tools/coverage.ts > docs/coverage.md");
  process.exitCode = 1;
}
