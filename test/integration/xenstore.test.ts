import assert from "node:assert/strict";
import { test } from "node:test";
import { runInXen, whyNoLab } from "../../lab/xen/lab.ts";

const missing = whyNoLab() ?? false;

test("Xen's own xenstored takes our nodes, transactions and watches, and tells of guests", {
  skip: missing,
  timeout: 170_000,
}, async (t) => {
  const result = await runInXen(command, { timeoutMs: 150_000 });
  t.after(() => result.remove());
  t.diagnostic(JSON.stringify(result.times));
  const { exitCode, stdout, stderr, cores, console } = result;
  assert.deepEqual(
    { exitCode, cores },
    { exitCode: 0, cores: [] },
    stdout + stderr + (exitCode === undefined ? console : ""),
  );
  assert.deepEqual(JSON.parse(stdout), {
    values: ["eins", [0, 255, 10], ""],
    names: ["a", "b", "bytes"],
    errors: ["ENOENT", "EINVAL", "ENOENT", "EINVAL"],
    permissions: { owner: 0, others: "read", domains: [{ domain: 7, access: "both" }] },
    domains: ["/local/domain/3", true, false],
    many: [1000, 1000],
    removed: "gone",
    counted: "20",
    retried: true,
    undone: "ENOENT",
    watch: ["/test/w", 0, "closed"],
    refused: "EINVAL",
    there: [true, "tiny"],
    specials: ["@introduceDomain", "@releaseDomain"],
    closed: ["closed", "closed"],
  });
});

const command = `
printf 'name="tiny"\\nkernel="%s"\\nmemory=16\\non_poweroff="preserve"\\n' "$XEN_LAB_GUEST" > /tmp/tiny
exec node test/integration/xenstore-exercise.ts /tmp/tiny
`;
