/** The machine, as the hypervisor sees it. */
export interface PhysicalInfo {
  readonly threadsPerCore: number;
  readonly coresPerSocket: number;
  readonly cpus: number;
  readonly nodes: number;
  readonly cpuKhz: number;
  readonly totalMemoryKib: bigint;
  readonly freeMemoryKib: bigint;
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

export function schedulerName(number: number): SchedulerName {
  return schedulers[number] ?? "unknown";
}

/** From libxl's JSON, which leaves out what is 0. */
export function readPhysicalInfo(json: string): PhysicalInfo {
  const fields = JSON.parse(json) as Readonly<Record<string, number | undefined>>;
  const number = (name: string): number => fields[name] ?? 0;
  return {
    threadsPerCore: number("threads_per_core"),
    coresPerSocket: number("cores_per_socket"),
    cpus: number("nr_cpus"),
    nodes: number("nr_nodes"),
    cpuKhz: number("cpu_khz"),
    totalMemoryKib: BigInt(number("total_pages")) * kibPerPage,
    freeMemoryKib: BigInt(number("free_pages")) * kibPerPage,
  };
}

/** From libxl's JSON, which leaves out what the scheduler has not. */
export function readSchedule(json: string): SchedulerParameters {
  const { weight, cap } = JSON.parse(json) as { readonly weight?: number; readonly cap?: number };
  return { ...(weight !== undefined && { weight }), ...(cap !== undefined && { cap }) };
}
