import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const nowhere = "test+unix:///default?socket=/nonexistent";

/** As a process of its own, with nobody at a terminal. */
function virtwright(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, LIBVIRT_DEFAULT_URI: nowhere };
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

  test("wants a URI behind -c", () => {
    const { status, stderr } = virtwright("-c");
    assert.deepEqual([status, stderr], [1, "error: option -c needs a value: the hypervisor's URI\n"]);
  });
});
