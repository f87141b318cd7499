/** How long somebody waits. */
export interface Patience {
  /** On the loop's clock; absent: as long as it takes, within limits. */
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
