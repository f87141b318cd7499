/** What an AbortSignal has, in Node and in browsers. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface CallOptions {
  /** From the call to its end; Infinity waits as long as the connection lives. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignalLike;
}

export const defaultTimeoutMs = 30_000;

/** Options for one after the other of several requests that share the time of `options`; `now` is the loop's. */
export function shared(options: CallOptions, now: () => number): () => CallOptions {
  const end = now() + (options.timeoutMs ?? defaultTimeoutMs);
  return () => ({ ...options, timeoutMs: end - now() });
}
