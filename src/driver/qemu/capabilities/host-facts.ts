import { readdirSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";

export interface HostCpu {
  readonly id: number;
  readonly socket: number;
  readonly die: number;
  readonly core: number;
  /** The threads of its core, as "0-1". */
  readonly siblings: string;
}

export interface HostCell {
  readonly id: number;
  readonly memoryKib: number;
  /** Pages of each size that there are. */
  readonly pages: readonly { readonly sizeKib: number; readonly count: number }[];
  readonly distances: readonly number[];
  readonly cpus: readonly HostCpu[];
}

export interface HostCache {
  readonly id: string;
  readonly level: number;
  readonly type: string;
  readonly sizeKib: number;
  readonly cpus: string;
}

/** The machine, as the kernel shows it. What it does not show is taken as one node with one socket. */
export interface HostFacts {
  readonly uuid: string;
  readonly cells: readonly HostCell[];
  readonly caches: readonly HostCache[];
  /** Of the processor: as /proc/cpuinfo calls them. */
  readonly flags: readonly string[];
  readonly vendor: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly microcode: number;
  readonly physicalBits: number | undefined;
  readonly mhz: number;
}

const system = "/sys/devices/system";

export function readHostFacts(): HostFacts {
  const info = read("/proc/cpuinfo");
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(info)?.[1]?.trim() ?? "";
  const bits = /(\d+) bits physical/.exec(field("address sizes"))?.[1];
  return {
    uuid: hostUuid(),
    cells: readCells(),
    caches: readCaches(),
    flags: field("flags").split(" "),
    vendor: field("vendor_id"),
    family: Number(field("cpu family")),
    model: Number(field("model")),
    stepping: Number(field("stepping")),
    microcode: Number(field("microcode") || 0),
    physicalBits: bits === undefined ? undefined : Number(bits),
    mhz: Math.floor(Number(field("cpu MHz")) || 0),
  };
}

/** The firmware's where it has one, otherwise the operating system's. */
function hostUuid(): string {
  const firmware = read("/sys/class/dmi/id/product_uuid").trim().toLowerCase();
  const own = firmware === "" ? read("/etc/machine-id").trim() : firmware;
  const hex = own
    .replace(/[^0-9a-f]/g, "")
    .padEnd(32, "0")
    .slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function readCells(): HostCell[] {
  const nodes = numbered(`${system}/node`, /^node(\d+)$/);
  if (nodes.length === 0) return [cell(0, `${system}/cpu`, Math.floor(totalmem() / 1024), [10])];
  return nodes.map((id) => {
    const path = `${system}/node/node${id}`;
    const kib = /MemTotal:\s*(\d+)/.exec(read(`${path}/meminfo`))?.[1];
    const distances = read(`${path}/distance`).trim().split(/\s+/).map(Number);
    return cell(id, path, Number(kib ?? 0), distances);
  });
}

function cell(id: number, path: string, memoryKib: number, distances: readonly number[]): HostCell {
  const cpus = numbered(path, /^cpu(\d+)$/)
    .map(readCpu)
    .filter((cpu) => cpu !== undefined);
  const huge = hugePages(path === `${system}/cpu` ? "/sys/kernel/mm" : path);
  const inHuge = huge.reduce((sum, { sizeKib, count }) => sum + sizeKib * count, 0);
  const pages = [{ sizeKib: 4, count: Math.floor((memoryKib - inHuge) / 4) }, ...huge];
  return { id, memoryKib, pages, distances, cpus };
}

function hugePages(path: string): HostCell["pages"] {
  return numbered(`${path}/hugepages`, /^hugepages-(\d+)kB$/).map((sizeKib) => ({
    sizeKib,
    count: Number(read(`${path}/hugepages/hugepages-${sizeKib}kB/nr_hugepages`).trim() || 0),
  }));
}

/** Undefined for a processor that is switched off. */
function readCpu(id: number): HostCpu | undefined {
  const topology = `${system}/cpu/cpu${id}/topology`;
  const of = (name: string): string => read(`${topology}/${name}`).trim();
  if (of("core_id") === "") return undefined;
  const numberOf = (name: string): number => Math.max(0, Number(of(name) || 0));
  return {
    id,
    socket: numberOf("physical_package_id"),
    die: numberOf("die_id"),
    core: numberOf("core_id"),
    siblings: of("thread_siblings_list") || String(id),
  };
}

/** Those of the last level, each once. */
function readCaches(): HostCache[] {
  const found = new Map<string, HostCache>();
  for (const cpu of numbered(`${system}/cpu`, /^cpu(\d+)$/)) {
    for (const index of numbered(`${system}/cpu/cpu${cpu}/cache`, /^index(\d+)$/)) {
      const of = (name: string): string => read(`${system}/cpu/cpu${cpu}/cache/index${index}/${name}`).trim();
      if (of("level") !== "3") continue;
      const kib = Number(/^(\d+)K$/.exec(of("size"))?.[1] ?? 0);
      const type = of("type") === "Unified" ? "both" : of("type").toLowerCase();
      found.set(of("id") || "0", { id: of("id") || "0", level: 3, type, sizeKib: kib, cpus: of("shared_cpu_list") });
    }
  }
  return [...found.values()];
}

/** The numbers in the names of a directory's entries, in order. */
function numbered(path: string, pattern: RegExp): number[] {
  try {
    const names = readdirSync(path).flatMap((name) => pattern.exec(name)?.[1] ?? []);
    return names.map(Number).sort((one, other) => one - other);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
