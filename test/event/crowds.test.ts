import { suite, test } from "node:test";
import { boundsFromEnvironment, explore } from "../../src/testkit/index.ts";
import { coreScenarios } from "../../src/testkit/scenarios/index.ts";
import { checkHolds } from "./exploring.ts";

/** A tenth of what `npm run campaign -- explore` does. */
const schedules = 100_000;
const crowds = coreScenarios.filter(({ actors }) => actors === "many");
const strategies = ["random", "pct"] as const;
const executions = schedules / (crowds.length * strategies.length);

suite("the core, at random", () => {
  for (const { name, about, subject } of crowds) {
    for (const strategy of strategies) {
      test(`${name}, ${strategy}: ${about}`, (t) => {
        const report = explore(subject, boundsFromEnvironment(process.env, { strategy, executions }));
        checkHolds(report);
        t.diagnostic(`${report.executions} schedules`);
      });
    }
  }
});
