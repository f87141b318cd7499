import type { Token } from "./nexus.ts";

/**
 * Readiness of a descriptor, as bits (libvirt's values). `error` and `hangup` are reported unasked to every watch that
 * asks for something; a watch that asks for them alone hears of nothing else.
 */
export const Ready = { none: 0, readable: 1, writable: 2, error: 4, hangup: 8 } as const;
export type Readiness = number;

/**
 * The world as the core sees it: a clock, descriptors that become ready, and somebody who calls `turn`.
 * A host serves one loop. All but `wake` is called on the loop's own thread.
 */
export interface Host {
  /** Monotonic time in milliseconds. */
  now(): number;
  /** From now on `turn` is called whenever a descriptor is ready, the deadline has come, or `wake` was called. */
  start(turn: () => void): void;
  /** Begins to watch. Throws when the descriptor is not open, or can never become ready and `alwaysReady` is not set. */
  arm(token: Token, fd: number, interest: Readiness, alwaysReady: boolean): void;
  /** Changes what is asked for; `Ready.none` means that nothing is reported, not even a hang-up. */
  rearm(token: Token, interest: Readiness): void;
  /** Ends watching. The descriptor may be closed, reopened or somebody else's by now. */
  disarm(token: Token): void;
  /** Reports without waiting what is ready now, each token at most once. */
  poll(report: (token: Token, ready: Readiness) => void): void;
  /** Asks for a turn at `deadline` (time of `now`); replaces the wish before; undefined withdraws it. */
  wakeAt(deadline: number | undefined): void;
  /** Asks for a turn soon. The one method that any thread may call; wakeups coalesce and never vanish. */
  wake(): void;
  /** Ends the turns and gives back what the host holds. */
  close(): void;
}
