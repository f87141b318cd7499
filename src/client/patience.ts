import { Deferred, type Loop } from "../event/index.ts";
import { limitWait } from "../rpc/index.ts";

/** What ends a wait before its time. */
export interface WaitLimits {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Gives the wait for `what` up, not what is waited for. */
export async function limited<T>(loop: Loop, what: string, limits: WaitLimits, awaited: Promise<T>): Promise<T> {
  const over = new Deferred<T>();
  awaited.then(
    (value) => over.resolve(value),
    (error: unknown) => over.reject(error),
  );
  limits.signal?.throwIfAborted();
  const release = limitWait(loop, what, limits, (reason) => over.reject(reason));
  try {
    return await over.promise;
  } finally {
    release();
  }
}

/** Resolves after so long; rejects with the signal's reason. */
export async function pause(loop: Loop, ms: number, signal: AbortSignal): Promise<void> {
  const over = new Deferred();
  const timeout = loop.timeout(loop.now() + ms, () => over.resolve(), { name: "pause" });
  const onAbort = (): void => over.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    await over.promise;
  } finally {
    timeout.remove();
    signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves when all of `waits` have settled, whatever came of them, at the latest after `ms`. */
export async function waitAtMost(loop: Loop, ms: number, waits: readonly Promise<unknown>[]): Promise<void> {
  const over = new Deferred();
  // A loop that closes has nothing left that could be waited for long.
  const timeout =
    loop.state === "open" ? loop.timeout(loop.now() + ms, () => over.resolve(), { name: "end of waiting" }) : undefined;
  void Promise.allSettled(waits).then(() => over.resolve());
  await over.promise;
  timeout?.remove();
}
