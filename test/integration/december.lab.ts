import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runInXen, whyNoLab } from "../../lab/xen/lab.ts";

const lives = 30;
const naive = ["library-timeout-recurs", "cell-for-cookie", "now-becomes-never"];

/** What broke the program of 2012: a call that comes when its registration has ended. Here, on the libxl of today. */
const command = `
run() { timeout -s KILL "$1" node test/integration/december-variant.ts "$2" "$3" "$4" "$XEN_LAB_GUEST" > "$XEN_LAB/$2" 2>&1; echo "$2 $?"; }
ulimit -c 0
run 120 ours ${lives} 8
for variant in ${naive.join(" ")}; do run 45 "$variant" 2 0; done
`;

test("thirty guests live and die while libxl is called late; what was naive in 2012 fails on it still", {
  skip: whyNoLab() ?? false,
  timeout: 178_000,
}, async (t) => {
  const result = await runInXen(command, { timeoutMs: 170_000 });
  t.after(() => result.remove());
  t.diagnostic(JSON.stringify(result.times));
  const said = (variant: string): string => readFileSync(join(result.directory, variant), "utf8");
  assert.equal(result.exitCode, 0, result.stdout + result.stderr);
  const { late, ...rest } = JSON.parse(said("ours")) as { late: number };
  t.diagnostic(`calls that came late and were not made: ${late}`);
  assert.deepEqual(rest, { deaths: lives, left: 0, registrations: 0, operations: 0, errors: [] });
  assert.ok(late > 0, "nothing came late: this shows nothing");
  for (const variant of naive) {
    t.diagnostic(`${variant}: ${said(variant).slice(-400)}`);
    assert.match(result.stdout, new RegExp(`^${variant} [1-9]`, "m"));
  }
});
