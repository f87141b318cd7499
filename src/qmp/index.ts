export { Agent, type AgentOptions, AgentUnresponsiveError } from "./agent.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export { CommandError, MonitorClosedError } from "./errors.ts";
export type { JsonObject, MonitorEvent } from "./message.ts";
export { type AbortSignalLike, type ExecuteOptions, Monitor, type MonitorListener } from "./monitor.ts";
export { patienceFor, patienceMs } from "./patience.ts";
export { Transcript, type TranscriptEntry } from "./transcript.ts";
