import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { boundsFromEnvironment, explore, exploreAsync, type Report } from "../../src/testkit/index.ts";
import { asyncScenarios, coreScenarios } from "../../src/testkit/scenarios/index.ts";
import { checkHolds } from "./exploring.ts";

const byDefault = { executions: 1_000_000 };
const bounds = boundsFromEnvironment(process.env, byDefault);
const isExhaustive = bounds.strategy === undefined || bounds.strategy === "depth-first";
let explored = 0;
let schedules = 0;

function checkExhausted(report: Report): string {
  checkHolds(report);
  explored++;
  schedules += report.executions;
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

test("docs/explorer.md says how many worlds and schedules that were", (t) => {
  if (!isDeepStrictEqual(bounds, byDefault)) return t.skip("the environment sets other bounds");
  const text = readFileSync(new URL("../../docs/explorer.md", import.meta.url), "utf8").replaceAll(/\s+/g, " ");
  const worlds = coreScenarios.length + asyncScenarios.length;
  const counted = `in ${worlds} small worlds. \`npm test\` exhausts ${explored} of them with two preemptions`;
  assert.ok(
    text.includes(`${counted} (${schedules.toLocaleString("en")} schedules)`),
    `it should say: ${counted}, ${schedules}`,
  );
});
