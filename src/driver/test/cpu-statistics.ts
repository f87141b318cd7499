import type { TypedParam } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, invalidArgument } from "./failure.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** CPUs that a domain is said to have used, whatever it has. */
const cpus = 2;

/** In ns; each CPU has one more than the CPU before. */
const perCpu = { cpu_time: 24_386_308_517n, vcpu_time: 23_151_740_627n };
const total = { cpu_time: 48_772_617_035n, user_time: 5_540_000_000n, system_time: 6_460_000_000n };

/** CPU time of a domain. */
export function cpuStatisticsProcedures(hypervisor: Hypervisor): DriverProcedures {
  return {
    domainGetCpuStats: ({ dom, nparams, startCpu, ncpus, flags }) => {
      checkFlags(flags, 4, "testDomainGetCPUStats");
      hypervisor.of(dom).checkActive();
      if (startCpu === -1) return answer([total], nparams);
      if (startCpu >= cpus) throw invalidArgument(`start_cpu ${startCpu} larger than maximum of ${cpus - 1}`);
      if (nparams === 0) return { params: [], nparams: ncpus === 0 ? cpus : Object.keys(perCpu).length };
      const last = Math.min(startCpu + ncpus, cpus);
      const wanted = Array.from({ length: cpus }, (_, cpu) => cpu).slice(startCpu, last);
      return answer(
        wanted.map((cpu) => ({
          cpu_time: perCpu.cpu_time + BigInt(cpu),
          vcpu_time: perCpu.vcpu_time + BigInt(cpu),
        })),
        nparams,
      );
    },
  };
}

/** All CPUs in a row, at most so many values of each; the count is that of one CPU. */
function answer(groups: readonly Readonly<Record<string, bigint>>[], nparams: number) {
  const count = Object.keys(groups[0] ?? {}).length;
  if (nparams === 0) return { params: [], nparams: count };
  const params = groups.flatMap((group) => {
    const values = Object.entries(group).slice(0, nparams);
    return values.map(([field, value]): TypedParam => ({ field, value: { type: "ullong", value } }));
  });
  return { params, nparams: Math.min(count, nparams) };
}
