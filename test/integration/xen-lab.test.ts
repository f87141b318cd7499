import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LabOptions, type LabResult, runInXen, whyNoLab } from "../../lab/xen/lab.ts";

const missing = whyNoLab() ?? false;
const bounded = { skip: missing, timeout: 170_000 };

async function lab(context: TestContext, command: string, options: LabOptions = {}): Promise<LabResult> {
  const result = await runInXen(command, { timeoutMs: 150_000, ...options });
  context.after(() => result.remove());
  context.diagnostic(JSON.stringify(result.times));
  assert.ok(result.exitCode !== undefined || result.endedEarly, result.console);
  return result;
}

test("the lab runs a command in Xen's dom0, with our Node and a guest whose memory outlives it", bounded, async (t) => {
  const heard: string[] = [];
  const { stdout, stderr, exitCode, cores, directory } = await lab(t, life, {
    onOutput: (stream, text) => stream === "stdout" && heard.push(text),
  });
  assert.deepEqual(
    { exitCode, core: cores.map((name) => name.replace(/\d+$/, "PID")) },
    { exitCode: 7, core: ["bash.PID"] },
    stdout + stderr,
  );
  assert.ok(statSync(join(directory, "cores", cores[0] ?? "")).size > 0);
  assert.match(stdout, /^node v24\./m);
  assert.match(stdout, /^typescript (\S+) Transport$/m, "our sources do not run in dom0");
  assert.match(stdout, /^Domain-0 +0 .* r-/m);
  assert.match(stdout, /^first +1 +16 +1 /m);
  assert.equal(heard.join(""), stdout);
  const console = readFileSync(join(directory, "logs/console/guest-first.log"), "latin1");
  const [, sum, resumed] = /^up tick=50 memory=(\w+)[^]*^resumed ticks=[1-9]\d* memory=(\w+)/m.exec(console) ?? [];
  assert.ok(sum !== undefined && sum === resumed, console);
  assert.match(stdout, /^second is -+sc-$/m);
});

/** Fails at the first step that does; its exit code says that it came to the end. */
const life = `
bash -c 'kill -SEGV $$'
set -e
echo "node $(node --version)"
node -e 'import("./src/rpc/memory-transport.ts").then((all) => console.log("typescript", Object.keys(all)[0], "Transport"))'
guest() { printf 'name="%s"\\nkernel="%s"\\nmemory=16\\nextra="%s"\\non_crash="preserve"\\n' "$1" "$XEN_LAB_GUEST" "$2" > /tmp/$1; }
has() { for ((i = 0; i < 200; i++)); do grep -q "$2" "/var/log/xen/console/guest-$1.log" && return; sleep .05; done; false; }
guest first tick=50
xl create -q /tmp/first
has first 'tick 1'
xl list
xl save first /tmp/saved
xl restore /tmp/saved
has first resumed
xl shutdown -w first
guest second end=crash
xl create -q /tmp/second
has second ends
state() { xl list second | awk 'NR == 2 { print $5 }'; }
for ((i = 0; i < 50; i++)); do [[ $(state) == *c* ]] && break; sleep .1; done
echo "second is $(state)"
exit 7
`;

test("the lab ends a machine whose time is over", bounded, async (t) => {
  const { exitCode, endedEarly, stdout } = await lab(t, "echo too late", { timeoutMs: 300 });
  assert.deepEqual({ exitCode, endedEarly, stdout }, { exitCode: undefined, endedEarly: true, stdout: "" });
});
