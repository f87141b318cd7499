export {
  ConfigError,
  type DeviceConfigs,
  type DiskConfig,
  type DomainConfig,
  decodeConfig,
  encodeConfig,
  encodeDevice,
  type NicConfig,
} from "./config.ts";
export { Context, type ContextOptions, type CreateOptions, type SaveOptions } from "./context.ts";
export type { DomainInfo, ShutdownReason, VcpuInfo } from "./domain-info.ts";
export { DomainWatch } from "./domain-watch.ts";
export { LibraryError, LibxlError } from "./error.ts";
export type { HostTopology, PhysicalInfo, SchedulerName, SchedulerParameters } from "./host-info.ts";
export type {
  Completion,
  DeviceKind,
  Generator,
  Library,
  LibraryEvent,
  LibraryListener,
  PlainCall,
  Request,
  RequestListener,
  Running,
} from "./library.ts";
export type { LogLevel, LogLine } from "./log-line.ts";
export { type OpenOptions, openContext } from "./open-context.ts";
export type { OperationOptions } from "./operation.ts";
export { type CallOptions, ProcessEndedError } from "./process/context-client.ts";
export { type ContextProcess, type Launch, type LaunchOptions, launchProcesses } from "./process/launch.ts";
export type { Subscription } from "./process/observer.ts";
export { ProcessRoster } from "./process/roster.ts";
export type { Role } from "./process/wire.ts";
export { type FileOptions, mayLeaveHalf, XenProcesses, type XenProcessesOptions } from "./process/xen-processes.ts";
