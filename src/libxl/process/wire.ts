import { DeadlineError, StateError } from "../../event/index.ts";
import { ConfigError, type DeviceConfigs, type DomainConfig } from "../config.ts";
import type { DomainInfo, VcpuInfo } from "../domain-info.ts";
import { LibxlError } from "../error.ts";
import type { HostTopology, PhysicalInfo, SchedulerName, SchedulerParameters } from "../host-info.ts";
import type { DeviceKind, LibraryEvent } from "../library.ts";
import type { LogLine } from "../log-line.ts";

/**
 * What one process may ask another that has a context of libxl. Files and terminals go by name: descriptors stay where
 * they were opened.
 */
export interface Calls {
  readonly domains: { readonly args: readonly []; readonly result: readonly DomainInfo[] };
  readonly domain: { readonly args: readonly [domid: number]; readonly result: DomainInfo | null };
  readonly nameOf: { readonly args: readonly [domid: number]; readonly result: string | null };
  readonly consolePath: { readonly args: readonly [domid: number]; readonly result: string };
  readonly vcpus: { readonly args: readonly [domid: number]; readonly result: readonly VcpuInfo[] };
  readonly pinVcpu: {
    readonly args: readonly [domid: number, vcpu: number, cpus: readonly number[]];
    readonly result: null;
  };
  readonly setMemoryTarget: { readonly args: readonly [domid: number, kib: number]; readonly result: null };
  readonly shiftMemoryTarget: { readonly args: readonly [domid: number, kib: number]; readonly result: bigint };
  readonly neededMemory: { readonly args: readonly [config: DomainConfig]; readonly result: bigint };
  readonly commandLine: { readonly args: readonly []; readonly result: string };
  readonly physical: { readonly args: readonly []; readonly result: PhysicalInfo };
  readonly topology: { readonly args: readonly []; readonly result: HostTopology };
  readonly scheduler: { readonly args: readonly []; readonly result: SchedulerName };
  readonly schedule: { readonly args: readonly [domid: number]; readonly result: SchedulerParameters };
  readonly setSchedule: {
    readonly args: readonly [domid: number, parameters: SchedulerParameters];
    readonly result: null;
  };
  readonly pause: { readonly args: readonly [domid: number]; readonly result: null };
  readonly unpause: { readonly args: readonly [domid: number]; readonly result: null };
  readonly resume: { readonly args: readonly [domid: number]; readonly result: null };
  readonly shutdown: { readonly args: readonly [domid: number]; readonly result: null };
  readonly pressPowerButton: { readonly args: readonly [domid: number]; readonly result: null };
  readonly reboot: { readonly args: readonly [domid: number]; readonly result: null };
  /** From now on the domain's events come, until `unwatch` with the same number of the asker's. */
  readonly watch: { readonly args: readonly [watch: number, domid: number]; readonly result: null };
  readonly unwatch: { readonly args: readonly [watch: number]; readonly result: null };
  readonly create: { readonly args: readonly [config: DomainConfig]; readonly result: number };
  /** `skip`: so many bytes at the file's start are somebody else's. */
  readonly restore: {
    readonly args: readonly [config: DomainConfig, path: string, skip: number];
    readonly result: number;
  };
  readonly save: {
    readonly args: readonly [domid: number, path: string, live: boolean, skip: number];
    readonly result: null;
  };
  readonly dump: { readonly args: readonly [domid: number, path: string]; readonly result: null };
  readonly setVcpus: { readonly args: readonly [domid: number, count: number]; readonly result: null };
  readonly addDevice: {
    readonly args: readonly [domid: number, kind: DeviceKind, device: DeviceConfigs[DeviceKind]];
    readonly result: null;
  };
  readonly removeDevice: {
    readonly args: readonly [domid: number, kind: DeviceKind, name: string];
    readonly result: null;
  };
  readonly configuration: { readonly args: readonly [domid: number]; readonly result: DomainConfig };
  readonly destroy: { readonly args: readonly [domid: number]; readonly result: null };
}

export type CallName = keyof Calls;

/** What a process is for. The observer's calls never block for longer than a few hypercalls take. */
export type Role = "observer" | "operations";

/** Calls that change nothing: one whose answer is lost may be asked again. */
export const looks: ReadonlySet<string> = new Set<CallName>([
  ...(["domains", "domain", "nameOf", "consolePath", "configuration", "vcpus"] as const),
  ...(["physical", "topology", "scheduler", "schedule", "neededMemory", "commandLine"] as const),
]);

export const rolesCalls: Readonly<Record<Role, ReadonlySet<string>>> = {
  observer: new Set<string>([
    ...looks,
    ...(["setMemoryTarget", "shiftMemoryTarget", "setSchedule", "pinVcpu"] as const),
    ...(["pause", "unpause", "resume", "shutdown", "pressPowerButton", "reboot"] as const),
    ...(["setVcpus", "watch", "unwatch"] as const),
  ]),
  operations: new Set<CallName>(["create", "restore", "save", "dump", "addDevice", "removeDevice", "destroy"]),
};

/** From the asking process. */
export type Question =
  | {
      readonly type: "call";
      readonly id: number;
      readonly call: CallName;
      readonly args: readonly unknown[];
      readonly timeoutMs?: number;
    }
  | { readonly type: "abort"; readonly id: number; readonly reason: string };

/** From the process that has the context: the first is "ready", or "failed" and then the end. */
export type Answer =
  | { readonly type: "ready"; readonly version: string }
  | { readonly type: "failed"; readonly message: string }
  /** Of a call to an operations process, before anything is done for it. */
  | { readonly type: "begun"; readonly id: number }
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: WireError }
  | { readonly type: "console"; readonly id: number; readonly domid: number }
  | { readonly type: "event"; readonly watch: number; readonly event: LibraryEvent }
  | { readonly type: "log"; readonly line: LogLine };

export interface WireError {
  readonly kind: "libxl" | "config" | "state" | "deadline" | "other";
  readonly message: string;
  readonly rc?: number;
  readonly call?: string;
  readonly log?: readonly string[];
  readonly domid?: number;
  readonly cause?: WireError;
  readonly path?: string;
}

/** One message, as a line. Numbers that JSON would round are texts in an object of their own. */
export function encodeMessage(message: Question | Answer): Uint8Array {
  const text = JSON.stringify(message, (_key, value: unknown) =>
    typeof value === "bigint" ? { bigint: String(value) } : value,
  );
  return new TextEncoder().encode(`${text}\n`);
}

export function decodeMessage(line: string): unknown {
  return JSON.parse(line, (_key, value: unknown) => (isBigint(value) ? BigInt(value.bigint) : value));
}

function isBigint(value: unknown): value is { bigint: string } {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "bigint";
}

export function encodeError(error: unknown): WireError {
  if (error instanceof ConfigError) return { kind: "config", message: error.problem, path: error.path };
  if (error instanceof StateError) return { kind: "state", message: error.message };
  if (error instanceof DeadlineError) return { kind: "deadline", message: error.message };
  if (!(error instanceof LibxlError)) return { kind: "other", message: textOf(error) };
  const { message, rc, call, log, domid, cause } = error;
  return {
    kind: "libxl",
    message,
    rc,
    call,
    log,
    ...(domid !== undefined && { domid }),
    ...(cause !== undefined && { cause: encodeError(cause) }),
  };
}

export function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : `${reason as string}`;
}

export function decodeError({ kind, message, rc = 0, call = "", log = [], domid, cause, path = "" }: WireError): Error {
  if (kind === "config") return new ConfigError(path, message);
  if (kind === "state") return new StateError(message);
  if (kind === "deadline") return new DeadlineError(message);
  if (kind === "other") return new Error(message);
  return new LibxlError(rc, call, { log, domid, ...(cause !== undefined && { cause: decodeError(cause) }) });
}
