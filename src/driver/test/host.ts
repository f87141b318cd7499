import { hostname } from "node:os";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { familyOf, isArchitecture } from "../cpu/architecture.ts";
import { baselineCpu } from "../cpu/baseline.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, invalidArgument } from "./failure.ts";
import { capabilities, sysinfo } from "./host-xml.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { type NodeInfo } from "./node-info.ts";

export const hostCpus = 16;

/** VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES. */
const expandFeatures = 1;

/** Free memory of the two NUMA cells, in bytes. */
const freeBytes = [2_097_152n, 4_194_304n];

/** In ns. */
const cpuTimes = [
  { field: "user", value: 9_797_400_000n },
  { field: "kernel", value: 34_678_723_400_000n },
  { field: "idle", value: 87_264_900_000n },
  { field: "iowait", value: 763_600_000n },
];

/** The machine that the test hypervisor pretends to have; the host's name is the real one. */
export function hostProcedures(hypervisor: Hypervisor, node: NodeInfo): DriverProcedures {
  return {
    connectGetType: () => ({ type: "TEST" }),
    connectGetVersion: () => ({ hvVer: 2n }),
    connectGetHostname: () => ({ hostname: hostname() }),
    connectGetMaxVcpus: () => ({ maxVcpus: 32 }),
    connectGetCapabilities: () => ({ capabilities }),
    connectGetCpuModelNames: ({ arch, needResults, flags }) => {
      checkFlags(flags, 0, "testConnectGetCPUModelNames");
      if (!isArchitecture(arch)) throw invalidArgument(`cannot find architecture ${arch}`);
      const models = familyOf(arch).models ?? [];
      return { models: needResults === 0 ? [] : models, ret: models.length };
    },
    connectBaselineCpu: async ({ xmlCpus, flags }, { signal }) => {
      checkFlags(flags, expandFeatures, "testConnectBaselineCPU");
      return { cpu: await baselineCpu(xmlCpus, flags !== 0, hypervisor.pauseFor(signal)) };
    },
    connectGetSysinfo: ({ flags }) => {
      checkFlags(flags, 0, "testConnectGetSysinfo");
      return { sysinfo };
    },
    nodeGetInfo: () => node,
    nodeGetSecurityModel: () => ({ model: "testSecurity", doi: "" }),
    nodeGetFreeMemory: () => ({ freeMem: 3_145_728n }),
    nodeGetCellsFreeMemory: ({ startCell, maxcells }) => {
      if (startCell >= freeBytes.length) throw invalidArgument("Range exceeds available cells");
      return { cells: freeBytes.slice(startCell, startCell + maxcells) };
    },
    nodeGetCpuStats: ({ nparams, flags }) => {
      checkFlags(flags, 0, "testNodeGetCPUStats");
      return nparams === 0
        ? { params: [], nparams: cpuTimes.length }
        : { params: cpuTimes.slice(0, nparams), nparams: 0 };
    },
    // Of eight CPUs the first, the third and the fifth are there.
    nodeGetCpuMap: ({ needMap, needOnline, flags }) => {
      checkFlags(flags, 0, "testNodeGetCPUMap");
      return {
        cpumap: needMap === 0 ? new Uint8Array() : Uint8Array.of(0b10101),
        online: needOnline === 0 ? 0 : 3,
        ret: 8,
      };
    },
    // libvirt's own fails without saying why.
    nodeGetFreePages: ({ flags }) => {
      checkFlags(flags, 0, "testNodeGetFreePages");
      const message = "Library function returned error but did not set virError";
      throw new VirError(message, { code: ErrorCode.internalError, domain: ErrorDomain.rpc, int1: 0, int2: 0 });
    },
  };
}
