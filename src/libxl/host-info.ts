import type { Layout } from "./versions.ts";

/** The machine, as the hypervisor sees it. */
export interface PhysicalInfo {
  readonly threadsPerCore: number;
  readonly coresPerSocket: number;
  readonly cpus: number;
  readonly nodes: number;
  readonly cpuKhz: number;
  readonly totalMemoryKib: bigint;
  readonly freeMemoryKib: bigint;
  /** Which guests Xen can make on it: paravirtualised ones, and HVM and PVH. */
  readonly pv: boolean;
  readonly hvm: boolean;
}

/** Memory and processors by node, as Xen numbers them; -1 for a core or a socket that it does not know. */
export interface HostTopology {
  readonly nodes: readonly { readonly id: number; readonly memoryKib: bigint; readonly freeKib: bigint }[];
  readonly cpus: readonly {
    readonly id: number;
    readonly core: number;
    readonly socket: number;
    readonly node: number;
  }[];
}

/** A domain's share of the processors; which of the numbers there are depends on the scheduler. */
export interface SchedulerParameters {
  readonly weight?: number;
  /** In percent of one processor; 0: no limit. */
  readonly cap?: number;
}

export type SchedulerName = "unknown" | "sedf" | "credit" | "credit2" | "arinc653" | "rtds" | "null";

/** Of libxl_scheduler. */
const schedulers: Readonly<Record<number, SchedulerName>> = {
  4: "sedf",
  5: "credit",
  6: "credit2",
  7: "arinc653",
  8: "rtds",
  9: "null",
};

const kibPerPage = 4n;
/** LIBXL_NUMAINFO_INVALID_ENTRY; LIBXL_CPUTOPOLOGY_INVALID_ENTRY is the same number, as an int -1. */
const invalid = 0xffff_ffffn;

export function schedulerName(number: number): SchedulerName {
  return schedulers[number] ?? "unknown";
}

/** From libxl's JSON, which leaves out what is 0. */
export function readPhysicalInfo(json: string): PhysicalInfo {
  const fields = JSON.parse(json) as Readonly<Record<string, number | boolean | undefined>>;
  const number = (name: string): number => Number(fields[name] ?? 0);
  return {
    threadsPerCore: number("threads_per_core"),
    coresPerSocket: number("cores_per_socket"),
    cpus: number("nr_cpus"),
    nodes: number("nr_nodes"),
    cpuKhz: number("cpu_khz"),
    totalMemoryKib: BigInt(number("total_pages")) * kibPerPage,
    freeMemoryKib: BigInt(number("free_pages")) * kibPerPage,
    pv: fields["cap_pv"] === true,
    hvm: fields["cap_hvm"] === true,
  };
}

/** From arrays of libxl's structs; numbers that are in no use are left out. */
export function readTopology(
  nodes: Uint8Array,
  cpus: Uint8Array,
  { numaInfo, cpuTopology }: Pick<Layout, "numaInfo" | "cpuTopology">,
): HostTopology {
  return {
    nodes: each(nodes, numaInfo.size, (view, id) => {
      const [size, free] = [view.getBigUint64(numaInfo.memory, true), view.getBigUint64(numaInfo.free, true)];
      return size === invalid || size === (1n << 64n) - 1n
        ? []
        : [{ id, memoryKib: size / 1024n, freeKib: free / 1024n }];
    }),
    cpus: each(cpus, cpuTopology.size, (view, id) => {
      const [core = -1, socket = -1, node = -1] = (["core", "socket", "node"] as const).map((field) =>
        view.getInt32(cpuTopology[field], true),
      );
      return node < 0 ? [] : [{ id, core, socket, node }];
    }),
  };
}

function each<T>(bytes: Uint8Array, size: number, read: (view: DataView, index: number) => T[]): T[] {
  return Array.from({ length: bytes.length / size }, (_, index) =>
    read(new DataView(bytes.buffer, bytes.byteOffset + index * size, size), index),
  ).flat();
}

/** From libxl's JSON, which leaves out what the scheduler has not. */
export function readSchedule(json: string): SchedulerParameters {
  const { weight, cap } = JSON.parse(json) as { readonly weight?: number; readonly cap?: number };
  return { ...(weight !== undefined && { weight }), ...(cap !== undefined && { cap }) };
}
