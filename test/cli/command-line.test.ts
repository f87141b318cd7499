import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const nowhere = "test+unix:///default?socket=/nonexistent";

/** As a process of its own, with nobody at a terminal. */
function virtwright(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 60_000, input: "" });
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

  test("wants a URI behind -c", () => {
    const { status, stderr } = virtwright("-c");
    assert.deepEqual([status, stderr], [1, "error: option -c needs a value: the hypervisor's URI\n"]);
  });
});
