/** What we need of an AbortSignal; Node's and the browser's fit. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface CallOptions {
  /** Gives the call up; it then rejects with the signal's reason. The server is not told: the wire has no word for it. */
  readonly signal?: AbortSignalLike;
  /**
   * Gives the call up after so long, with VirError `operationTimeout`. Default, and Infinity: waits as long as the
   * connection lives. RangeError for what is no time, and nothing is sent.
   */
  readonly timeoutMs?: number;
  /** Descriptors to be passed with the call; they stay the caller's. StateError where the connection cannot pass any. */
  readonly fds?: readonly number[];
  /** Told the call's serial before it is sent; what it sends goes out first. */
  readonly onSerial?: (serial: number) => void;
}
