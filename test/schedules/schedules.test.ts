import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Outcome, replay, replayAsync } from "../../src/testkit/index.ts";
import { asyncScenarios, coreScenarios } from "../../src/testkit/scenarios/index.ts";
import { mutant } from "../mutations/mutant.ts";
import { mutations } from "../mutations/mutations.ts";
import { load, type SavedSchedule, savedFixes, savedMutations } from "./saved.ts";

suite("a saved schedule", () => {
  for (const saved of load(savedMutations)) {
    test(`fails with ${saved.mutation} as it did: ${saved.schedule}`, async () => {
      const advice = "run `npm run campaign -- schedules` when scenario or core take other steps than before";
      const outcome = await run(saved).catch((error: unknown) => assert.fail(`${String(error)}; ${advice}`));
      assert.equal(outcome.failure?.kind, saved.kind, advice);
    });
  }

  for (const saved of load(savedFixes)) {
    test(`passes since the fix: ${saved.about}`, async () => {
      assert.equal((await run(saved)).failure, undefined);
    });
  }

  test("is there for each mutation", () => {
    const saved = load(savedMutations).map(({ mutation }) => mutation);
    assert.deepEqual(
      saved,
      mutations.map(({ name }) => name),
    );
  });
});

async function run({ mutation, scenario, schedule }: SavedSchedule): Promise<Outcome> {
  const scenarios = mutation === undefined ? coreScenarios : await mutant(mutation);
  const found = scenarios.find(({ name }) => name === scenario);
  if (found !== undefined) return replay(found.subject, schedule);
  const asyncFound = asyncScenarios.find(({ name }) => name === scenario);
  assert.ok(asyncFound, `there is no scenario "${scenario}"`);
  return replayAsync(asyncFound.subject, schedule);
}
