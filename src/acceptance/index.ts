export type { RoundSetting, StepResult } from "./guest-round.ts";
export { type Expectation, type Oracle, oracles, type StepName, steps } from "./oracle.ts";
export { sideBySide, tapBegin, tapEnd, tapStep } from "./report.ts";
export { type SelftestOptions, type SelftestResult, selftest } from "./selftest.ts";
