import assert from "node:assert/strict";
import { test } from "node:test";
import { runInXen, whyNoLab } from "../../lab/xen/lab.ts";

test("libxl 4.17 serves us on real Xen: guests, events, refusals, failures and aborts", {
  skip: whyNoLab() ?? false,
  timeout: 170_000,
}, async (t) => {
  const command = 'exec node test/integration/libxl-exercise.ts "$XEN_LAB_GUEST"';
  const result = await runInXen(command, { timeoutMs: 150_000 });
  t.after(() => result.remove());
  t.diagnostic(JSON.stringify(result.times));
  const { exitCode, stdout, stderr, cores, console } = result;
  assert.deepEqual(
    { exitCode, cores },
    { exitCode: 0, cores: [] },
    stdout + stderr + (exitCode === undefined ? console : ""),
  );
  t.diagnostic(stderr);
  assert.deepEqual(JSON.parse(stdout), {});
});
