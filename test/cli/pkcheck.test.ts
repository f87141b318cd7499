import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { localPkcheck } from "../../src/cli/pkcheck.ts";

test("polkit's program gets its arguments as they are, and its exit code is the answer", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-pkcheck-"));
  context.after(() => rmSync(directory, { recursive: true }));
  const [program, heard] = [join(directory, "pkcheck"), join(directory, "heard")];
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" > ${heard}\nexit 3\n`, { mode: 0o700 });
  const args = ["--detail", "domain_name", "$(id); a b\\"];
  assert.equal(await localPkcheck(program)(args, 60_000, new AbortController().signal), 3);
  assert.equal(readFileSync(heard, "utf8"), `${args.join("\n")}\n`);
});

test("without polkit's program the setting is refused, with the package that has it", () => {
  assert.throws(() => localPkcheck("/nowhere/pkcheck"), {
    name: "UsageError",
    message: "polkit needs /nowhere/pkcheck: install it with: sudo apt-get install polkitd",
  });
});
