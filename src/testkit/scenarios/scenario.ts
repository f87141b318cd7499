import type { AsyncSubject, Subject } from "../explorer/explore.ts";

/** A small world in which the real core runs, and the rules that it must keep there whatever the schedule. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** "two" is small enough to be searched exhaustively; "many" is for random search. */
  readonly actors: "two" | "many";
  readonly subject: Subject;
}

/** The same for what the core does with promises. */
export interface AsyncScenario {
  readonly name: string;
  readonly about: string;
  readonly subject: AsyncSubject;
}
