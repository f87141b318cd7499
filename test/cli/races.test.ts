import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function virtwright(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Result {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
}

function races(...args: string[]): Result {
  return virtwright(["races", ...args]);
}

suite("virtwright races", () => {
  test("prints JSON whose schedules it can replay", () => {
    const { status, stdout } = races("--json", "--protocol", "naive", "--race", "1");
    assert.equal(status, 0);
    const [cell] = JSON.parse(stdout) as [{ race: number; name: string; verdict: string; schedule: string }];
    assert.deepEqual([cell.race, cell.name, cell.verdict], [1, "stale fd callback", "fails"]);
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

  test("tells the user's mistakes in one line, without a stack", () => {
    const replay = (schedule: string) => races("--protocol", "naive", "--race", "1", "--replay", schedule).stderr;
    assert.match(replay("0!"), /^error: not a schedule: "0!" at character 2\n$/);
    assert.match(replay("77"), /^error: the schedule does not fit[^\n]*\n$/);
    const other = races("--protocol", "merged", "--race", "7");
    assert.deepEqual([other.status, other.stderr], [1, 'error: race 7 has nothing to do with "merged"\n']);
    const { stderr } = virtwright(["races", "--race", "1"], { VIRTWRIGHT_EXPLORE_SEED: "x" });
    assert.equal(stderr, "error: VIRTWRIGHT_EXPLORE_SEED=x: give a number from 0\n");
    assert.match(virtwright(["constructor"]).stderr, /^error: unknown command: 'constructor'\n$/);
  });
});
