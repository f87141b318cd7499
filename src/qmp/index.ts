export { CommandError, MonitorClosedError } from "./errors.ts";
export type { JsonObject, MonitorEvent } from "./message.ts";
export { type AbortSignalLike, type ExecuteOptions, Monitor, type MonitorListener } from "./monitor.ts";
