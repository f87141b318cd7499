import type { Layout } from "./versions.ts";

/** Why a domain has stopped. */
export type ShutdownReason = "unknown" | "poweroff" | "reboot" | "suspend" | "crash" | "watchdog" | "soft_reset";

/** One domain as the hypervisor sees it. */
export interface DomainInfo {
  readonly domid: number;
  /** 36 characters, lower case. */
  readonly uuid: string;
  /** "hvm" also for a PVH guest: the hypervisor does not tell them apart. */
  readonly type: "hvm" | "pv" | "pvh" | "unknown";
  readonly running: boolean;
  readonly blocked: boolean;
  readonly paused: boolean;
  readonly shutdown: boolean;
  readonly dying: boolean;
  /** Means something when `shutdown` is set. */
  readonly shutdownReason: ShutdownReason;
  readonly currentMemoryKib: bigint;
  readonly maxMemoryKib: bigint;
  readonly cpuTimeNs: bigint;
  readonly maxVcpus: number;
  readonly onlineVcpus: number;
}

const reasons = ["poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"] as const;
const types = { 1: "hvm", 2: "pv", 3: "pvh" } as const;

export function shutdownReason(number: number): ShutdownReason {
  return reasons[number] ?? "unknown";
}

/** Reads a libxl_dominfo. From the struct: its JSON leaves out what is 0, and has numbers that JavaScript would round. */
export function readDomainInfo(bytes: Uint8Array, { domainInfo: at }: Layout): DomainInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flag = (index: number): boolean => view.getUint8(at.flags + index) !== 0;
  const memory = (index: number): bigint => view.getBigUint64(at.outstandingMemoryKib + 8 * index, true);
  const type = view.getInt32(at.type, true);
  return {
    domid: view.getUint32(at.domid, true),
    uuid: readUuid(bytes.subarray(0, 16)),
    type: types[type as keyof typeof types] ?? "unknown",
    running: flag(0),
    blocked: flag(1),
    paused: flag(2),
    shutdown: flag(3),
    dying: flag(4),
    shutdownReason: shutdownReason(view.getInt32(at.shutdownReason, true)),
    currentMemoryKib: memory(1),
    maxMemoryKib: memory(4),
    cpuTimeNs: view.getBigUint64(at.cpuTime, true),
    maxVcpus: view.getUint32(at.vcpuMaxId, true) + 1,
    onlineVcpus: view.getUint32(at.vcpuMaxId + 4, true),
  };
}

/** One of a domain's virtual CPUs. */
export interface VcpuInfo {
  readonly number: number;
  /** Of the host's, on which it runs or has run last. */
  readonly cpu: number;
  readonly online: boolean;
  readonly blocked: boolean;
  readonly running: boolean;
  readonly cpuTimeNs: bigint;
  /** Of the host's, on which it may run; ascending. */
  readonly cpus: readonly number[];
}

/** Reads a libxl_vcpuinfo, whose bitmap is elsewhere. */
export function readVcpuInfo(bytes: Uint8Array, cpus: readonly number[], { vcpuInfo: at }: Layout): VcpuInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    number: view.getUint32(0, true),
    cpu: view.getUint32(at.cpu, true),
    online: view.getUint8(at.online) !== 0,
    blocked: view.getUint8(at.blocked) !== 0,
    running: view.getUint8(at.running) !== 0,
    cpuTimeNs: view.getBigUint64(at.time, true),
    cpus,
  };
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** Before these bytes stands a dash. */
const dashes = new Set([4, 6, 8, 10]);

export function readUuid(bytes: Uint8Array): string {
  let text = "";
  bytes.forEach((byte, index) => {
    text += dashes.has(index) ? `-${hex[byte]}` : hex[byte];
  });
  return text;
}
