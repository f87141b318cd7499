import type { Loop } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import type { CallOptions } from "./call-options.ts";

/** Lets deadline and signal end a wait for `what`, by `giveUp` with the reason, once; returns what calls them off. */
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
  const timeout = timeoutMs === undefined ? undefined : loop.timeout(loop.now() + timeoutMs, onLate, { name: what });
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
