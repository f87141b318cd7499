import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { boundsFromEnvironment, exploreAsync } from "../../src/testkit/index.ts";
import { checkHolds } from "../event/exploring.ts";
import { explored } from "./explored.ts";
import { contextMutations, mutant } from "./mutant.ts";

const bounds = boundsFromEnvironment(process.env, { executions: 200_000 });
const isExhaustive = bounds.strategy === undefined || bounds.strategy === "depth-first";

for (const form of ["2012", "4.17"] as const) {
  suite(`a context before libxl in its form of ${form}, exhaustively`, () => {
    for (const { name, about, subject, forms = [form] } of explored) {
      if (!forms.includes(form)) continue;
      test(`${name}: ${about}`, async (t) => {
        const report = await exploreAsync((sim) => subject(sim, form), bounds);
        checkHolds(report);
        if (isExhaustive) assert.ok(report.exhausted, "not all was tried: raise VIRTWRIGHT_EXPLORE_EXECUTIONS");
        t.diagnostic(`${report.executions} schedules`);
      });
    }
  });
}

suite("a bug put into the context or the hooks is found", () => {
  for (const { name, about, foundBy } of contextMutations) {
    test(`${name}: ${about}`, async (t) => {
      const scenarios = await mutant(name);
      const { subject } = scenarios.find((each) => each.name === foundBy) ?? assert.fail(`no scenario ${foundBy}`);
      const { failing, executions } = await exploreAsync((sim) => subject(sim, "4.17"), bounds);
      assert.ok(failing !== undefined, `${foundBy} does not find it in ${executions} schedules`);
      t.diagnostic(`${failing.failure?.message}, after ${executions} schedules: ${failing.text}`);
    });
  }

  test("and a copy without one is not", async () => {
    for (const { subject } of await mutant("none"))
      checkHolds(await exploreAsync((sim) => subject(sim, "4.17"), bounds));
  });
});
