import assert from "node:assert/strict";
import { diagramText, type Report } from "../../src/testkit/index.ts";

/** Fails with the schedule and its story when something was found. */
export function checkHolds({ failing }: Report): void {
  if (failing !== undefined) assert.fail(`schedule ${failing.text}\n${diagramText(failing)}`);
}
