/** The object is in a state in which the call makes no sense: closed, already running, not started. */
export class StateError extends Error {
  override readonly name = "StateError";
}

/** A wait ended by its deadline; the message says what was still outstanding. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** The listener of a feed did not keep up; the feed ended rather than lose an event silently. */
export class OverflowError extends Error {
  override readonly name = "OverflowError";
}
