import { parseArgs } from "node:util";
import { boundsFromEnvironment } from "../../src/testkit/index.ts";
import { asyncScenarios, coreScenarios } from "../../src/testkit/scenarios/index.ts";
import { driverScenarios, type Job, type Result } from "./job.ts";
import { runJobs } from "./pool.ts";
import { printFailure, printRow, summary } from "./print.ts";

const preemptions = 4;
/** A scenario with more schedules than this is reported as not exhausted: the campaign must end. */
const mostExhaustive = 5_000_000;
/** Over all crowds, strategies and seeds. */
const randomSchedules = 1_000_000;
const seeds = [1, 2, 3, 4, 5];
/** Drivers take many steps: not all get far in order, so others are tried as well. */
const driverSchedules = { inOrder: 20_000, atRandom: 2_000 };

export async function explore(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({ args: [...args], options: { only: { type: "string", default: "" } } });
  const jobs = [...exhaustiveJobs(), ...randomJobs(), ...(await driverJobs())].filter(({ scenario }) =>
    scenario.includes(values.only),
  );
  const begun = performance.now();
  const results: Result[] = [];
  for await (const result of runJobs(jobs)) {
    results.push(result);
    printRow(result);
    if (result.failing !== undefined) printFailure(result);
  }
  console.log(`\n${summary(results, (performance.now() - begun) / 1_000)}`);
  return results.every(({ failing }) => failing === undefined);
}

function exhaustiveJobs(): Job[] {
  const bounds = boundsFromEnvironment(process.env, { preemptions, executions: mostExhaustive });
  const names = [...coreScenarios.filter(({ actors }) => actors === "two"), ...asyncScenarios].map(({ name }) => name);
  return names.map((scenario) => ({ scenario, bounds }));
}

async function driverJobs(): Promise<Job[]> {
  const { inOrder, atRandom } = driverSchedules;
  const all = [
    boundsFromEnvironment(process.env, { preemptions: 0, executions: inOrder }),
    boundsFromEnvironment(process.env, { preemptions: 1, executions: inOrder }),
    boundsFromEnvironment(process.env, { strategy: "random", seed: 1, executions: atRandom }),
    boundsFromEnvironment(process.env, { strategy: "pct", seed: 1, executions: atRandom }),
  ];
  return (await driverScenarios()).flatMap(({ name }) => all.map((bounds) => ({ scenario: name, bounds })));
}

function randomJobs(): Job[] {
  const crowds = coreScenarios.filter(({ actors }) => actors === "many");
  const strategies = ["random", "pct"] as const;
  const executions = Math.ceil(randomSchedules / (crowds.length * strategies.length * seeds.length));
  return crowds.flatMap(({ name }) =>
    strategies.flatMap((strategy) =>
      seeds.map((seed) => ({
        scenario: name,
        bounds: boundsFromEnvironment(process.env, { strategy, seed, executions }),
      })),
    ),
  );
}
