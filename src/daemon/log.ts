/** What the daemon tells its owner about itself; one entry is one line. */
export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  /** The part of the daemon that speaks: "daemon", "rpc", "driver.qemu". */
  readonly source: string;
  readonly message: string;
  /** The number of the peer that it is about, counted since the start of the daemon. */
  readonly peer?: number;
  readonly error?: unknown;
}

/** Must not throw. */
export type Log = (entry: LogEntry) => void;
