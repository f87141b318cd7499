export {
  Daemon,
  type DaemonLimits,
  type DaemonOptions,
  type Limits,
  type Origin,
  type SocketOptions,
} from "./daemon.ts";
export type { Log, LogEntry } from "./log.ts";
export type { AuthPolicy } from "./session.ts";
