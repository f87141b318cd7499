import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LabResult, runInXen, whyNoLab } from "../../lab/xen/lab.ts";

test("libxl 4.17 serves us on real Xen: guests, events, refusals, failures and aborts", {
  skip: whyNoLab() ?? false,
  timeout: 175_000,
}, async (t) => {
  assert.deepEqual(await exercise(t, "libxl-exercise.ts"), {
    "unknown keys": [],
    "many keys": true,
    "a misspelt key": false,
    "no such domain": [null, "DOMAIN_NOTFOUND", "FAIL"],
    "no such kernel": ["FAIL", true, false],
    "a failing hook": [false, ["Error: no room for a watch"]],
    names: ["a", "b", "c"],
    running: ["pv", "pv", "pv"],
    lives: [["death"], ["death"], ["death"], ["death"]],
    configuration: ["memory", 16_384, true],
    vcpus: [["online", "offline"], "FAIL"],
    "memory target": "12288",
    console: true,
    dump: "FAIL",
    "aborted create": "created or aborted",
    "aborted save": ["ABORTED", "DeadlineError"],
    domains: [0],
    outstanding: ["0,0,0", "0,0,0"],
    logged: [true, true],
    "descriptors left": 0,
    errors: [],
  });
});

test("the example takes a guest through its life", { skip: whyNoLab() ?? false, timeout: 175_000 }, async (t) => {
  const sources = join(import.meta.dirname, "../../src");
  const script = `
sed -E 's#"virtwright/(\\w+)"#"${sources}/\\1/index.ts"#' examples/libxl-round.ts > examples/on-sources.ts
exec node examples/on-sources.ts "$XEN_LAB_GUEST"`;
  const { stdout } = await lab(t, script);
  const events = [...stdout.matchAll(/event of domain (\d): (.*)/g)].map(([, domid, event]) => `${domid} ${event}`);
  const lives = ["1 shutdown reboot", "1 death", "2 shutdown suspend", "2 death", "3 shutdown poweroff", "3 death"];
  assert.deepEqual(events, lives);
  assert.match(stdout, /left: \{"registrations":0,"operations":0,"watches":0\}\n$/);
});

test("libxl in processes of its own: one that is killed takes nobody along", {
  skip: whyNoLab() ?? false,
  timeout: 175_000,
}, async (t) => {
  const results = await exercise(t, "libxl-processes-exercise.ts");
  assert.deepEqual(results, {
    "at first": [0],
    names: ["one", "two"],
    console: true,
    saved: true,
    "events of the saved": ["suspend", "death"],
    "events of the restored": ["poweroff", "death"],
    "its operation": true,
    afterwards: [0],
    "processes ended": 2,
    left: [0],
    errors: [],
  });
});

/** What a program of ours, run in dom0, has printed. */
async function exercise(t: TestContext, program: string): Promise<unknown> {
  const { stdout } = await lab(t, `exec node test/integration/${program} "$XEN_LAB_GUEST"`);
  return JSON.parse(stdout);
}

async function lab(t: TestContext, command: string): Promise<LabResult> {
  const result = await runInXen(command, { timeoutMs: 165_000 });
  t.after(() => result.remove());
  t.diagnostic(JSON.stringify(result.times));
  const { exitCode, stdout, stderr, cores, console } = result;
  assert.deepEqual(
    { exitCode, cores },
    { exitCode: 0, cores: [] },
    stdout + stderr + (exitCode === undefined ? console : ""),
  );
  t.diagnostic(stderr);
  return result;
}
