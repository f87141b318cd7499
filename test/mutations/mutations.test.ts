import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { boundsFromEnvironment, explore, replay } from "../../src/testkit/index.ts";
import { coreScenarios, type Scenario } from "../../src/testkit/scenarios/index.ts";
import { mutant } from "./mutant.ts";
import { type Mutation, mutations } from "./mutations.ts";

/** Of the races in docs/races.md, those that a loop and its hooks can have by themselves. */
const races = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15];

suite("a bug put back into the core", () => {
  for (const mutation of mutations) {
    const { name, breaks, about, foundBy } = mutation;
    test(`is found: ${breaks}, ${name}: ${about}`, async (t) => {
      const mutated = named(await mutant(name), foundBy);
      const { failing, executions } = explore(mutated.subject, boundsFromEnvironment(process.env));
      assert.ok(failing, `"${foundBy}" does not find it in ${executions} schedules`);
      assert.equal(replay(mutated.subject, failing.text).failure?.kind, failing.failure?.kind, "does not replay");
      assertHarmless(named(coreScenarios, foundBy), failing.text);
      t.diagnostic(`${row(mutation, executions)} ${failing.failure?.kind}, ${failing.text}`);
    });
  }

  test("is there for each race", () => {
    for (const race of races) {
      assert.ok(
        mutations.some(({ breaks }) => breaks === `race ${race}`),
        `no mutation for race ${race}`,
      );
    }
  });

  test("is not found where there is none", async () => {
    const copy = await mutant("none");
    for (const name of new Set(mutations.map(({ foundBy }) => foundBy))) {
      const { failing } = explore(named(copy, name).subject, { executions: 1_000 });
      assert.equal(failing, undefined, `${name} fails without a mutation`);
    }
  });
});

function named(scenarios: readonly Scenario[], name: string): Scenario {
  const scenario = scenarios.find((each) => each.name === name);
  assert.ok(scenario, `there is no scenario "${name}"`);
  return scenario;
}

/** The core as it is passes the schedule, or takes other steps and so cannot follow it. */
function assertHarmless({ subject }: Scenario, schedule: string): void {
  try {
    assert.equal(replay(subject, schedule).failure, undefined, "the core fails without the mutation");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

function row({ name, foundBy }: Mutation, executions: number): string {
  return `${name.padEnd(28)} ${foundBy.padEnd(44)} ${String(executions).padStart(5)}`;
}
