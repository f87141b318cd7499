import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
  version: string;
};
const nowhere = "test+unix:///default?socket=/nonexistent";

/** As a process of its own, with nobody at a terminal. */
function virtwright(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return virtwrightIn({}, ...args);
}

function virtwrightIn(variables: NodeJS.ProcessEnv, ...args: string[]): ReturnType<typeof virtwright> {
  const env = { ...process.env, LIBVIRT_DEFAULT_URI: nowhere, ...variables };
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 60_000, input: "", env });
}

suite("the command line", () => {
  test("hands the URI that stands before it to a command that goes to a hypervisor", () => {
    for (const command of [["selftest"], ["import", "--from", "/nonexistent"], ["run", "/etc/hostname"]]) {
      const { status, stderr } = virtwright("-c", nowhere, ...command);
      assert.deepEqual([status, stderr.includes("/nonexistent")], [1, true], `${command[0]}: ${stderr}`);
    }
  });

  test("drops none of virsh's options before a command that has nothing to do with them", () => {
    const { status, stderr } = virtwright("-c", nowhere, "doctor");
    assert.deepEqual([status, stderr], [1, "error: command 'doctor' takes no --connect: leave it out\n"]);
    assert.match(virtwright("-r", "selftest").stderr, /^error: command 'selftest' takes no --readonly/);
  });

  test("knows its own commands in help, and where one is misspelt", () => {
    for (const [name, text] of [
      ["run", /^virtwright run: a guest/],
      ["completion", /^usage: virtwright completion/],
      ["start", /SYNOPSIS\n {4}start <domain>.*\n\nvirtwright start: serves/s],
    ] as const) {
      const { status, stdout, stderr } = virtwright("help", name);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(stdout, text);
    }
    for (const [typed, meant] of [
      ["deamon", "daemon"],
      ["selftst", "selftest"],
      ["lst", "list"],
    ] as const)
      assert.equal(virtwright(typed).stderr, `error: unknown command: '${typed}'; did you mean '${meant}'?\n`);
  });

  test("takes start with a domain's name for the verb, however the name is given", () => {
    for (const args of [["web"], ["--domain=web"], ["--domain", "web"], ["--paused", "web"]]) {
      const { status, stderr } = virtwright("start", ...args);
      assert.deepEqual([status, stderr.includes("/nonexistent")], [1, true], stderr);
    }
    assert.match(virtwright("start", "--directory", "x", "--help").stdout, /^virtwright start: serves/);
  });

  test("says its version, and of each verb how it is called", () => {
    assert.equal(virtwright("-v").stdout, `${version}\n`);
    assert.match(virtwright("-V").stdout, new RegExp(`^virtwright ${version}, .*Node`));
    const { status, stdout } = virtwright("list", "--all", "--help");
    assert.deepEqual([status, stdout], [0, virtwright("help", "list").stdout]);
  });

  test("goes where virsh's own variable says, before libvirt's", () => {
    const { stderr } = virtwrightIn({ VIRSH_DEFAULT_CONNECT_URI: "test+unix:///default?socket=/virshs" }, "list");
    assert.match(stderr, /^error: failed to connect to the hypervisor\nerror: .*\/virshs/);
  });

  test("says how long a verb has taken where that is asked, and nothing else on standard output when it fails", () => {
    assert.match(virtwright("-qt", "list").stdout, /^\n\(Time: \d+\.\d{3} ms\)\n\n$/);
    assert.equal(virtwright("-q", "list").stdout, "");
  });

  test("wants a URI behind -c", () => {
    const { status, stderr } = virtwright("-c");
    assert.deepEqual([status, stderr], [1, "error: option -c needs a value: the hypervisor's URI\n"]);
  });
});
