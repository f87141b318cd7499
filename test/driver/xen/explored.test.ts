import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { boundsFromEnvironment, exploreAsync } from "../../../src/testkit/index.ts";
import { checkHolds } from "../../event/exploring.ts";
import { explored } from "./explored.ts";
import { driverMutations, mutant } from "./mutant.ts";

const bounds = boundsFromEnvironment(process.env, { executions: 100 });
/** Setting up has its choices too, so that in order they do not get far: others at random. */
const atRandom = { ...bounds, strategy: "random", seed: 1 } as const;

suite("the driver before a Xen whose events come in any order", () => {
  for (const { name, about, subject } of explored) {
    test(`${name}: ${about}`, async (t) => {
      const report = await exploreAsync(subject, bounds);
      checkHolds(report);
      checkHolds(await exploreAsync(subject, atRandom));
      t.diagnostic(`${report.executions} schedules${report.exhausted ? ", all there are" : ""}`);
    });
  }
});

suite("a bug put into the driver is found", () => {
  for (const { name, about, foundBy } of driverMutations) {
    test(`${name}: ${about}`, async (t) => {
      const scenarios = await mutant(name);
      const { subject } = scenarios.find((each) => each.name === foundBy) ?? assert.fail(`no scenario ${foundBy}`);
      const inOrder = await exploreAsync(subject, bounds);
      const { failing, executions } = inOrder.failing === undefined ? await exploreAsync(subject, atRandom) : inOrder;
      assert.ok(failing !== undefined, `${foundBy} does not find it in ${executions} schedules`);
      t.diagnostic(`${failing.failure?.message}, after ${executions} schedules: ${failing.text}`);
    });
  }

  test("and a copy without one is not", async () => {
    const few = { ...bounds, executions: 20 };
    for (const { subject } of await mutant("none")) checkHolds(await exploreAsync(subject, few));
  });
});
