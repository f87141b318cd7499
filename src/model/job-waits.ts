import { DurationCounts } from "../event/index.ts";

/** How long jobs of several queues had to wait. */
export class JobWaits {
  /** From the asking to the turn, of all that had theirs; of most that is at once. */
  readonly begun = new DurationCounts();
  /** Of those who gave up before: by their deadline or because nobody wanted it any more. */
  readonly givenUp = new DurationCounts();
  /** Who waits now. */
  waiting = 0;
}
