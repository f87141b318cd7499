/** What a server says in one round of SASL. */
export interface Answer {
  /** Null: nothing, which is not the same as no bytes. */
  readonly data: Uint8Array | null;
  /** The name under which the client has logged in; undefined while that is not decided. */
  readonly user?: string;
}

/**
 * One attempt to log in, by one of SASL's mechanisms.
 *
 * step: takes what the client has sent. Throws RefusedError, after which nothing more comes of it.
 */
export interface Mechanism {
  step(data: Uint8Array): Answer | Promise<Answer>;
}

/** For the log: the client hears that it was refused, and nothing else. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}
