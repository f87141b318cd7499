import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { writeXml } from "../../../xml/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { readHostFacts } from "../../qemu/capabilities/host-facts.ts";
import { nodeProcedures } from "../../qemu/procedures/node.ts";
import { cpuMaps } from "../../tuning/cpu-map.ts";
import { capabilitiesElement } from "../capabilities.ts";
import { domainCapabilities } from "../domain-capabilities.ts";
import { internal } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { check } from "./asked.ts";

/** What is asked of the hypervisor and its host: processors and memory as Xen has them, counters as domain 0 sees them. */
export function hostProcedures(guests: Guests): DriverProcedures {
  const facts = readHostFacts();
  return {
    ...nodeProcedures(),
    connectGetType: () => ({ type: "Xen" }),
    connectGetVersion: () => ({ hvVer: hypervisorVersion() }),
    connectGetMaxVcpus: ({ type }) => {
      const kind = (type ?? "xen").toLowerCase();
      if (kind === "xen" || kind === "hvm" || kind === "linux") return { maxVcpus: 512 };
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, `unknown type '${kind}'`);
    },
    connectGetHostname: () => ({ hostname: hostname() }),
    connectGetCapabilities: async () => {
      const [topology, physical] = await Promise.all([guests.xen.topology(), guests.xen.physical()]);
      return { capabilities: writeXml(capabilitiesElement(facts.uuid, topology, physical)) };
    },
    connectGetDomainCapabilities: ({ emulatorbin, arch, machine, virttype, flags }) => {
      check(flags, 0, "libxlConnectGetDomainCapabilities");
      const asked = { emulator: emulatorbin, arch, machine, virttype };
      return { capabilities: writeXml(domainCapabilities(asked)) };
    },
    nodeGetInfo: async () => {
      const { threadsPerCore, coresPerSocket, cpus, nodes, cpuKhz, totalMemoryKib } = await guests.xen.physical();
      const perNode = Math.max(1, nodes) * Math.max(1, coresPerSocket) * Math.max(1, threadsPerCore);
      return {
        model: "x86_64",
        memory: totalMemoryKib,
        cpus,
        mhz: Math.floor(cpuKhz / 1_000),
        nodes: Math.max(1, nodes),
        sockets: Math.max(1, Math.floor(cpus / perNode)),
        cores: coresPerSocket,
        threads: threadsPerCore,
      };
    },
    // Domain 0 has as many as it was given.
    nodeGetCpuMap: async ({ needMap, flags }) => {
      check(flags, 0, "libxlNodeGetCPUMap");
      const online = (await guests.xen.topology()).cpus.map(({ id }) => id);
      const ret = (online.at(-1) ?? 0) + 1;
      const cpumap = needMap === 0 ? new Uint8Array() : cpuMaps([online], (ret + 7) >> 3);
      return { cpumap, online: online.length, ret };
    },
    nodeGetCellsFreeMemory: async ({ startCell, maxcells }) => {
      const { nodes } = await guests.xen.topology();
      if (startCell >= nodes.length) throw internal(`start cell ${startCell} out of range (0-${nodes.length - 1})`);
      return { cells: nodes.slice(startCell, startCell + maxcells).map(({ freeKib }) => freeKib * 1024n) };
    },
    nodeGetFreeMemory: async () => ({ freeMem: (await guests.xen.physical()).freeMemoryKib * 1024n }),
    // There is none, which is not the same as one of that name: guests have no labels.
    nodeGetSecurityModel: () => ({ model: "", doi: "" }),
  };
}

/** major * 1,000,000 + minor * 1,000; 0 where nobody says. */
function hypervisorVersion(): bigint {
  const part = (name: string): bigint => {
    try {
      return BigInt(readFileSync(`/sys/hypervisor/version/${name}`, "latin1").trim());
    } catch {
      return 0n;
    }
  };
  return part("major") * 1_000_000n + part("minor") * 1_000n;
}
