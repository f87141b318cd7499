/** The command line was not understood: the message says what is, exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
