import { readFileSync } from "node:fs";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { parseCpuList } from "../../tuning/cpu-list.ts";
import { cpuMaps } from "../../tuning/cpu-map.ts";
import { check } from "./asked.ts";

const allCpus = -1;
const allCells = -1;
/** Linux counts in hundredths of a second. */
const nsPerTick = 10_000_000n;

/** The host's processors and memory, taken as one NUMA node. */
export function nodeProcedures(): DriverProcedures {
  return {
    nodeGetCpuMap: ({ needMap, flags }) => {
      check(flags, 0, "virHostCPUGetMap");
      const present = cpuList("present");
      const online = cpuList("online");
      const count = (present.at(-1) ?? 0) + 1;
      const cpumap = needMap === 0 ? new Uint8Array() : (cpuMaps([online], (count + 7) >> 3) as Uint8Array);
      return { cpumap, online: online.length, ret: count };
    },
    nodeGetCpuStats: ({ cpuNum, nparams, flags }) => {
      check(flags, 0, "virHostCPUGetStats");
      const params = cpuTimes(cpuNum);
      return nparams === 0 ? { params: [], nparams: params.length } : { params: params.slice(0, nparams), nparams: 0 };
    },
    nodeGetMemoryStats: ({ cellNum, nparams, flags }) => {
      check(flags, 0, "virHostMemGetStats");
      if (cellNum !== allCells && cellNum !== 0) {
        throw wrong(`cellNum in virHostMemGetStatsLinux must be less than or equal to 0`);
      }
      const memory = memoryKib();
      const names = { total: "MemTotal", free: "MemFree", buffers: "Buffers", cached: "Cached" };
      const params = Object.entries(names)
        // Of one node the kernel does not say these.
        .filter(([field]) => cellNum === allCells || field === "total" || field === "free")
        .map(([field, name]) => ({ field, value: memory.get(name) ?? 0n }));
      return nparams === 0 ? { params: [], nparams: params.length } : { params: params.slice(0, nparams), nparams: 0 };
    },
    nodeGetFreeMemory: () => ({ freeMem: (memoryKib().get("MemFree") ?? 0n) * 1024n }),
    nodeGetCellsFreeMemory: ({ startCell, maxcells }) => {
      if (startCell > 0)
        throw VirError.of(ErrorCode.internalError, ErrorDomain.none, `start cell ${startCell} out of range (0-0)`);
      return { cells: maxcells < 1 ? [] : [(memoryKib().get("MemFree") ?? 0n) * 1024n] };
    },
    nodeGetMemoryParameters: ({ nparams, flags }) => {
      check(flags, 4, "virHostMemGetParameters");
      const params = samePages.map(([field, file, type]) => ({
        field,
        value: type === "uint" ? { type, value: Number(readKsm(file)) } : { type, value: BigInt(readKsm(file)) },
      }));
      return nparams === 0 ? { params: [], nparams: params.length } : { params: params.slice(0, nparams), nparams: 0 };
    },
  };
}

/** How the kernel shares equal pages (KSM), where it tells. */
const samePages: readonly (readonly [field: string, file: string, type: "uint" | "ullong"])[] = [
  ["shm_pages_to_scan", "pages_to_scan", "uint"],
  ["shm_sleep_millisecs", "sleep_millisecs", "uint"],
  ["shm_pages_shared", "pages_shared", "ullong"],
  ["shm_pages_sharing", "pages_sharing", "ullong"],
  ["shm_pages_unshared", "pages_unshared", "ullong"],
  ["shm_pages_volatile", "pages_volatile", "ullong"],
  ["shm_full_scans", "full_scans", "ullong"],
  ["shm_merge_across_nodes", "merge_across_nodes", "uint"],
];

function readKsm(file: string): string {
  return read(`/sys/kernel/mm/ksm/${file}`)?.trim() || "0";
}

function cpuList(which: "present" | "online"): readonly number[] {
  return parseCpuList(read(`/sys/devices/system/cpu/${which}`)?.trim() ?? "0");
}

/** Of one CPU, or of all. */
function cpuTimes(cpu: number): { field: string; value: bigint }[] {
  const name = cpu === allCpus ? "cpu" : `cpu${cpu}`;
  const line = (read("/proc/stat") ?? "").split("\n").find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw wrong(`Invalid cpuNum in virHostCPUGetStatsLinux`);
  const [, user = 0n, nice = 0n, system = 0n, idle = 0n, iowait = 0n, irq = 0n, softirq = 0n] = line
    .split(/ +/)
    .map((word) => (/^\d+$/.test(word) ? BigInt(word) : 0n));
  return [
    { field: "kernel", value: (system + irq + softirq) * nsPerTick },
    { field: "user", value: (user + nice) * nsPerTick },
    { field: "idle", value: idle * nsPerTick },
    { field: "iowait", value: iowait * nsPerTick },
  ];
}

function memoryKib(): ReadonlyMap<string, bigint> {
  const lines = (read("/proc/meminfo") ?? "").matchAll(/^(\w+): +(\d+) kB$/gm);
  return new Map(Array.from(lines, ([, name = "", value = "0"]) => [name, BigInt(value)]));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail);
}
