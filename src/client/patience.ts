import { Deferred, type Loop } from "../event/index.ts";

/** Gives the wait up, not what is waited for. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
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
