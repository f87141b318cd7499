import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { JobQueue } from "../../src/model/index.ts";
import { type Bounds, boundsFromEnvironment, exploreAsync } from "../../src/testkit/index.ts";
import { jobScenarios } from "../../src/testkit/scenarios/jobs.ts";
import { checkHolds } from "../event/exploring.ts";

/** One preemption more makes a hundred thousand schedules of some of these; chance looks there. */
const byDefault: Bounds = { preemptions: 0 };
const bounds = boundsFromEnvironment(process.env, byDefault);
const isExhaustive = bounds.strategy === undefined || bounds.strategy === "depth-first";

suite("the job queue under every schedule", () => {
  for (const { name, about, subject } of jobScenarios((loop) => new JobQueue(loop))) {
    test(`${name}: ${about}`, async (t) => {
      const report = await exploreAsync(subject, bounds);
      checkHolds(report);
      if (isExhaustive) assert.ok(report.exhausted, "not all was tried: raise VIRTWRIGHT_EXPLORE_EXECUTIONS");
      t.diagnostic(`${report.executions} schedules`);
      checkHolds(await exploreAsync(subject, { strategy: "random", executions: 2_000 }));
    });
  }
});
