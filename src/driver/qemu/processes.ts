import { readFileSync } from "node:fs";
import { parseCpuList } from "../tuning/cpu-list.ts";

/** What a process or a thread has used of the host, in nanoseconds. */
export interface CpuTime {
  readonly userNs: bigint;
  readonly systemNs: bigint;
  /** The host's CPU that it ran on last. */
  readonly cpu: number;
}

/** Linux counts in hundredths of a second whatever its own clock. */
const nsPerTick = 10_000_000n;

/** Undefined when it is gone. `thread`: that one alone, by its number. */
export function cpuTimeOf(pid: number | undefined, thread?: number): CpuTime | undefined {
  const path = thread === undefined ? `/proc/${pid}/stat` : `/proc/${pid}/task/${thread}/stat`;
  const stat = pid === undefined ? undefined : read(path);
  if (stat === undefined) return undefined;
  // The second field is in parentheses and may contain anything; what is left begins with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): string => fields[number - 3] ?? "0";
  return {
    userNs: BigInt(field(14)) * nsPerTick,
    systemNs: BigInt(field(15)) * nsPerTick,
    cpu: Number(field(39)),
  };
}

/** How long a thread was ready and had no CPU, in nanoseconds: as the scheduler counts it in two places. */
export function waitOf(pid: number, thread: number): { waitNs: bigint; delayNs: bigint } {
  const sched = read(`/proc/${pid}/task/${thread}/sched`) ?? "";
  const sum = /wait_sum\s*:\s*(\d+)\.?(\d*)/.exec(sched);
  const delay = read(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[1] ?? "0";
  return {
    waitNs: sum === null ? 0n : BigInt(sum[1] ?? 0) * 1_000_000n + BigInt((sum[2] ?? "").padEnd(6, "0").slice(0, 6)),
    delayNs: BigInt(delay),
  };
}

/** Memory of the host that it has, in KiB; 0 when it is gone. */
export function residentKib(pid: number | undefined): bigint {
  const status = pid === undefined ? undefined : read(`/proc/${pid}/statm`);
  return BigInt(status?.split(" ")[1] ?? 0) * 4n;
}

/** As whom a process runs; undefined when it is gone. */
export function userOf(pid: number | undefined): number | undefined {
  const status = pid === undefined ? undefined : read(`/proc/${pid}/status`);
  const user = /^Uid:\s+\d+\s+(\d+)/m.exec(status ?? "")?.[1];
  return user === undefined ? undefined : Number(user);
}

/** The list of host CPUs that a thread may run on: "0-3". */
export function allowedCpus(pid: number, thread = pid): string | undefined {
  const status = read(`/proc/${pid}/task/${thread}/status`);
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status ?? "")?.[1];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // It is gone.
    return undefined;
  }
}

/** The numbers of the host's CPUs. */
export function hostCpus(): readonly number[] {
  return parseCpuList(read("/sys/devices/system/cpu/online")?.trim() ?? "0");
}
