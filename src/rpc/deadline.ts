import type { Loop } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import type { CallOptions } from "./call-options.ts";

/** Throws RangeError for what cannot be a limit: before anything is done that would have to be waited for. */
export function checkLimit({ timeoutMs }: Pick<CallOptions, "timeoutMs">): void {
  if (timeoutMs === undefined || timeoutMs >= 0) return;
  throw new RangeError(`timeoutMs is a number of milliseconds from 0, or Infinity, not ${timeoutMs}`);
}

/**
 * Lets deadline and signal end a wait for `what`, by `giveUp` with the reason, once; returns what calls them off. Throws
 * StateError when the loop is closing.
 */
export function limitWait(
  loop: Loop,
  what: string,
  { signal, timeoutMs }: Pick<CallOptions, "signal" | "timeoutMs">,
  giveUp: (reason: unknown) => void,
): () => void {
  if (signal === undefined && timeoutMs === undefined) return nothing;
  const end = (reason: unknown): void => {
    release();
    giveUp(reason);
  };
  const onAbort = (): void => end(signal?.reason);
  const onLate = (): void => end(lateError(what, timeoutMs));
  const isLimited = timeoutMs !== undefined && timeoutMs !== Infinity;
  const timeout = isLimited ? loop.timeout(loop.now() + timeoutMs, onLate, { name: what }) : undefined;
  signal?.addEventListener("abort", onAbort);
  const release = (): void => {
    timeout?.remove();
    signal?.removeEventListener("abort", onAbort);
  };
  return release;
}

const nothing = (): void => {};

function lateError(what: string, timeoutMs: number | undefined): VirError {
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.rpc, `no reply to ${what} within ${timeoutMs} ms`);
}
