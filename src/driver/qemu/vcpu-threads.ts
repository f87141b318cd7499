import type { Observation, Observations } from "./observation.ts";
import type { Run } from "./run.ts";

/** A virtual CPU that is plugged, and QEMU's thread for it. */
export interface VcpuThread {
  readonly number: number;
  readonly thread: number;
}

interface CpuAnswer {
  readonly "cpu-index": number;
  readonly "thread-id": number;
}

/** Rejects as `Observations.ask`. */
export async function vcpuThreads(observations: Observations, run: Run): Promise<Observation<readonly VcpuThread[]>> {
  const { value, ageMs } = await observations.ask<readonly CpuAnswer[]>(run, "query-cpus-fast");
  const threads = value.map((each) => ({ number: each["cpu-index"], thread: each["thread-id"] }));
  return { value: threads.sort((one, other) => one.number - other.number), ageMs };
}
