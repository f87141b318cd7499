import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { boundsFromEnvironment, explore, exploreAsync, type Report } from "../../src/testkit/index.ts";
import { asyncScenarios, coreScenarios } from "../../src/testkit/scenarios/index.ts";
import { checkHolds } from "./exploring.ts";

const bounds = boundsFromEnvironment(process.env, { executions: 1_000_000 });
const isExhaustive = bounds.strategy === undefined || bounds.strategy === "depth-first";

function checkExhausted(report: Report): string {
  checkHolds(report);
  if (isExhaustive) assert.ok(report.exhausted, "not all was tried: raise VIRTWRIGHT_EXPLORE_EXECUTIONS");
  return `${report.executions} schedules`;
}

suite("the core, exhaustively", () => {
  for (const { name, about, actors, subject } of coreScenarios) {
    if (actors === "two") test(`${name}: ${about}`, (t) => t.diagnostic(checkExhausted(explore(subject, bounds))));
  }
});

suite("the core's promises, exhaustively", () => {
  for (const { name, about, subject } of asyncScenarios) {
    test(`${name}: ${about}`, async (t) => t.diagnostic(checkExhausted(await exploreAsync(subject, bounds))));
  }
});
