import { coreScenarios } from "../../src/testkit/scenarios/index.ts";
import { mutations } from "../../test/mutations/mutations.ts";
import type { Job } from "./job.ts";
import { runJobs } from "./pool.ts";

/** Every mutation against every scenario. True when each is found by at least one. */
export async function matrix(): Promise<boolean> {
  const missed = new Set(mutations.map(({ name }) => name));
  for await (const { job, executions, failing } of runJobs([...jobs()])) {
    if (failing === undefined || job.mutation === undefined) continue;
    missed.delete(job.mutation);
    console.log(
      `${job.mutation.padEnd(28)}  ${job.scenario.padEnd(46)}  ${String(executions).padStart(6)}  ${failing.kind}`,
    );
  }
  for (const name of missed) console.log(`${name}: found by nobody`);
  return missed.size === 0;
}

function* jobs(): Generator<Job> {
  for (const { name: mutation } of mutations) {
    for (const { name: scenario, actors } of coreScenarios) {
      yield { scenario, mutation, bounds: actors === "two" ? {} : { strategy: "random", executions: 2_000 } };
    }
  }
}
