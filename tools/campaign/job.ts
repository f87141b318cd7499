import { type Bounds, diagramText, explore, exploreAsync, type Report } from "../../src/testkit/index.ts";
import { asyncScenarios, coreScenarios } from "../../src/testkit/scenarios/index.ts";

/** One exploration, described so that another thread can do it. */
export interface Job {
  readonly scenario: string;
  /** Explore a core with this mutation. */
  readonly mutation?: string;
  readonly bounds: Bounds;
}

export interface Result {
  readonly job: Job;
  readonly executions: number;
  readonly exhausted: boolean;
  readonly seconds: number;
  readonly failing?: { readonly kind: string; readonly schedule: string; readonly diagram: string };
}

export async function runJob(job: Job): Promise<Result> {
  const begun = performance.now();
  const { executions, exhausted, failing } = await exploreScenario(job);
  const result = { job, executions, exhausted, seconds: (performance.now() - begun) / 1_000 };
  if (failing?.failure === undefined) return result;
  const { text, failure } = failing;
  return { ...result, failing: { kind: failure.kind, schedule: text, diagram: diagramText(failing) } };
}

async function exploreScenario({ scenario: name, mutation, bounds }: Job): Promise<Report> {
  const scenario = (await scenariosOf(mutation)).find((each) => each.name === name);
  if (scenario !== undefined) return explore(scenario.subject, bounds);
  const asyncScenario = [...asyncScenarios, ...(await driverScenarios())].find((each) => each.name === name);
  if (asyncScenario === undefined) throw new RangeError(`there is no scenario "${name}"`);
  return exploreAsync(asyncScenario.subject, bounds);
}

/** Only where they are wanted: drivers are large. */
export async function driverScenarios(): Promise<readonly Pick<(typeof asyncScenarios)[number], "name" | "subject">[]> {
  const { exploredDrivers } = await import("../../test/driver/explored-drivers.ts");
  return exploredDrivers;
}

async function scenariosOf(mutation: string | undefined): Promise<typeof coreScenarios> {
  if (mutation === undefined) return coreScenarios;
  const { mutant } = await import("../../test/mutations/mutant.ts");
  return mutant(mutation);
}
