/** What was asked for was not understood or cannot be: the message says why, and what to change. Exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
