import { hostname } from "node:os";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { familyOf, isArchitecture } from "../../cpu/architecture.ts";
import { baselineCpu } from "../../cpu/baseline.ts";
import type { DriverProcedures } from "../../driver.ts";
import {
  baselineOn,
  type Capabilities,
  compareCpu,
  type GuestKind,
  guestProcessor,
  hostProcessor,
} from "../capabilities/index.ts";
import type { Guests } from "../guests.ts";
import { freePages, nodeInfo } from "../machine.ts";
import { nativeArguments } from "../native-arguments.ts";
import { check, has } from "./asked.ts";

/** virConnectCompareCPUFlags, virConnectBaselineCPUFlags. */
const compareFlags = { failIncompatible: 1, validate: 2 };
const baselineFlags = { expand: 1, migratable: 2 };

/** What is asked of the hypervisor and its host. `version` is QEMU's, as on the wire. */
export function hostProcedures(guests: Guests, capabilities: Capabilities, version: bigint): DriverProcedures {
  return {
    connectGetType: () => ({ type: "QEMU" }),
    connectGetVersion: () => ({ hvVer: version }),
    connectGetMaxVcpus: ({ type }) => {
      const kind = (type ?? "qemu").toLowerCase();
      if (kind === "qemu" || kind === "kvm") return { maxVcpus: 255 };
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, `unknown type '${kind}'`);
    },
    connectGetHostname: () => ({ hostname: hostname() }),
    nodeGetInfo: () => nodeInfo(capabilities.host()),
    nodeGetFreePages: ({ pages, startCell, cellCount, flags }) => {
      check(flags, 0, "qemuNodeGetFreePages");
      return { counts: freePages(pages, startCell, cellCount) };
    },
    connectDomainXmlToNative: async ({ nativeFormat, domainXml, flags }, { signal }) => {
      check(flags, 0, "qemuConnectDomainXMLToNative");
      if (nativeFormat !== "qemu-argv") throw invalidArgument(`unsupported config type ${nativeFormat}`);
      return { nativeConfig: await nativeArguments(await guests.read(domainXml, { signal })) };
    },
    ...capabilityProcedures(capabilities),
    ...processorProcedures(guests, capabilities),
  };
}

function capabilityProcedures(capabilities: Capabilities): DriverProcedures {
  return {
    connectGetCapabilities: async () => ({ capabilities: await capabilities.xml() }),
    connectGetDomainCapabilities: async ({ emulatorbin, flags, ...kind }) => {
      check(flags, 0, "qemuConnectGetDomainCapabilities");
      return { capabilities: await capabilities.domainXml(kindOf({ emulator: emulatorbin, ...kind })) };
    },
    connectGetCpuModelNames: ({ arch, needResults, flags }) => {
      check(flags, 0, "qemuConnectGetCPUModelNames");
      if (!isArchitecture(arch)) throw invalidArgument(`cannot find architecture ${arch}`);
      const models = familyOf(arch).models ?? [];
      return { models: needResults === 0 ? [] : models, ret: models.length };
    },
  };
}

function processorProcedures(guests: Guests, capabilities: Capabilities): DriverProcedures {
  return {
    connectCompareCpu: async ({ xml, flags }, { signal }) => {
      check(flags, compareFlags.failIncompatible | compareFlags.validate, "qemuConnectCompareCPU");
      const host = hostProcessor(capabilities.host());
      return {
        result: await compareCpu(xml, host, has(flags, compareFlags.failIncompatible), guests.pauseFor(signal)),
      };
    },
    connectBaselineCpu: async ({ xmlCpus, flags }, { signal }) => {
      check(flags, baselineFlags.expand | baselineFlags.migratable, "qemuConnectBaselineCPU");
      return { cpu: await baselineCpu(xmlCpus, has(flags, baselineFlags.expand), guests.pauseFor(signal)) };
    },
    connectCompareHypervisorCpu: async ({ xmlCpu, flags, ...kind }, { signal }) => {
      check(flags, compareFlags.failIncompatible | compareFlags.validate, "qemuConnectCompareHypervisorCPU");
      const { facts } = await capabilities.find(kindOf(kind));
      const fails = has(flags, compareFlags.failIncompatible);
      return { result: await compareCpu(xmlCpu, guestProcessor(facts), fails, guests.pauseFor(signal)) };
    },
    connectBaselineHypervisorCpu: async ({ xmlCpus, flags, ...kind }, { signal }) => {
      check(flags, baselineFlags.expand | baselineFlags.migratable, "qemuConnectBaselineHypervisorCPU");
      const { facts } = await capabilities.find(kindOf(kind));
      return { cpu: await baselineOn(facts, xmlCpus, has(flags, baselineFlags.expand), guests.pauseFor(signal)) };
    },
  };
}

/** Null on the wire is what the caller has not said. */
function kindOf(asked: {
  readonly emulator: string | null;
  readonly arch: string | null;
  readonly machine: string | null;
  readonly virttype: string | null;
}): GuestKind {
  const { emulator, arch, machine, virttype } = asked;
  return {
    emulator: emulator ?? undefined,
    arch: arch ?? undefined,
    machine: machine ?? undefined,
    type: virttype ?? undefined,
  };
}

function invalidArgument(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail);
}
