import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

function races(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "races", ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

suite("virtwright races", () => {
  test("prints JSON whose schedules it can replay", () => {
    const { status, stdout } = races("--json", "--protocol", "naive", "--race", "1");
    assert.equal(status, 0);
    const [cell] = JSON.parse(stdout) as [{ verdict: string; schedule: string; steps: number }];
    assert.equal(cell.verdict, "fails");
    const replay = races("--protocol", "naive", "--race", "1", "--replay", cell.schedule);
    assert.match(replay.stdout, /^loop +worker$/m);
    assert.match(replay.stdout, /use after release: operation is acted on after its release/);
  });

  test("writes a sequence diagram for each failing schedule", () => {
    const directory = mkdtempSync(join(tmpdir(), "virtwright-svg-"));
    try {
      assert.equal(races("--svg", directory, "--protocol", "time check").status, 0);
      assert.deepEqual(readdirSync(directory), ["time-check-3.svg"]);
      assert.match(readFileSync(join(directory, "time-check-3.svg"), "utf8"), /^<svg .*whose timeout is it/s);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("names what there is when asked for what there is not, and exits with 1", () => {
    const { status, stderr } = races("--protocol", "hope");
    assert.equal(status, 1);
    assert.match(stderr, /^error: no protocol "hope": there are naive; entry check; /);
    assert.match(races("--replay", "0").stderr, /^error: --replay needs --protocol and --race/);
    assert.match(races("--sgv", "x").stderr, /^error: Unknown option '--sgv'/);
  });
});
