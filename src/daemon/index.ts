export { AccessRules, faultOfRule } from "./access/access-rules.ts";
export { AdminServer, type AdminServerOptions } from "./admin/admin-server.ts";
export type { LogControl } from "./admin/servant.ts";
export type { Audit, AuditRecord } from "./audit.ts";
export { type CallTotals, durationBounds } from "./call-meter.ts";
export {
  Daemon,
  type DaemonLimits,
  type DaemonOptions,
  type Limits,
  type Origin,
  type PortOptions,
  type SocketOptions,
  type WebSocketOptions,
} from "./daemon.ts";
export type { Log, LogEntry } from "./log.ts";
export { type Credential, credentialOf, type UserTable } from "./sasl/credential.ts";
export type { AuthPolicy, LogInSettings } from "./session.ts";
export { matchesAny, wildcardSource } from "./wildcard.ts";
