import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Result } from "../../tools/campaign/job.ts";
import { runJobs } from "../../tools/campaign/pool.ts";

const campaign = join(import.meta.dirname, "../../tools/campaign.ts");

suite("npm run campaign", () => {
  for (const names of [[], ["nonsense"], ["constructor"]]) {
    test(`says what there is when it is asked for ${names[0] ?? "nothing"}`, () => {
      const { status, stderr } = spawnSync(process.execPath, [campaign, ...names], {
        encoding: "utf8",
        timeout: 20_000,
      });
      assert.equal(status, 1);
      assert.match(stderr, /^ {2}npm run campaign -- explore {3}every core scenario/m);
    });
  }

  test("does its jobs in other threads, and brings back how one failed", async () => {
    const scenario = "timeouts changed within a pass";
    const jobs = [
      { scenario, bounds: {} },
      { scenario: "a feed ends", bounds: { executions: 5 } },
      { scenario, mutation: "commitment-survives-removal", bounds: {} },
    ];
    const results: Result[] = [];
    for await (const result of runJobs(jobs)) results.push(result);
    const result = (index: number) => results.find(({ job }) => jobs.findIndex((each) => same(each, job)) === index);
    assert.deepEqual([result(0)?.exhausted, result(0)?.failing], [true, undefined]);
    assert.deepEqual([result(1)?.exhausted, result(1)?.executions], [false, 5]);
    assert.match(result(2)?.failing?.diagram ?? "", /assertion: T1 is called back after remove\(\)/);
  });
});

function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
