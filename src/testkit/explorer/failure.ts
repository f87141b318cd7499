export type FailureKind =
  | "assertion"
  | "deadlock"
  | "lost wakeup"
  | "lock order"
  | "use after release"
  | "double release"
  | "unsettled promise"
  | "starvation";

/** What an execution found wrong. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }

  /** `error` itself when it is a failure, else an assertion failure caused by it. */
  static from(error: unknown): Failure {
    if (error instanceof Failure) return error;
    return new Failure("assertion", error instanceof Error ? error.message : String(error), error);
  }
}
