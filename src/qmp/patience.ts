/** How long QEMU may take, in milliseconds, for what a command makes it do. */
export const patienceMs = {
  /** Looks at what it knows. */
  query: 10_000,
  /** Changes something of its own. */
  ordinary: 30_000,
  /** Opens, closes or flushes images, which may lie on a slow disk or another machine. */
  block: 60_000,
  /** As long as it takes; whoever waits looks after its progress. */
  long: Number.POSITIVE_INFINITY,
} as const;

/** `migrate` and the like answer when they have begun. */
const long: ReadonlySet<string> = new Set(["human-monitor-command", "savevm", "loadvm", "dump-guest-memory"]);

/** Those that ask images or other processes although they only look. */
const slowQueries: ReadonlySet<string> = new Set(["query-block", "query-blockstats", "query-named-block-nodes"]);

/** What a command gets when its caller has not said how long it waits. */
export function patienceFor(command: string): number {
  if (long.has(command)) return patienceMs.long;
  if (slowQueries.has(command) || /^(x-)?(block|drive|transaction|nbd|eject|change)/.test(command))
    return patienceMs.block;
  if (/^(query-|qom-(get|list)|device-list)/.test(command)) return patienceMs.query;
  return patienceMs.ordinary;
}
