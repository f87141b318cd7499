import { hostname } from "node:os";
import type { Definition, Domain } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import { selectDomains } from "./domain-filter.ts";
import { notRunning } from "./errors.ts";
import { capabilities, cpuTimeNs, nodeInfo } from "./machine.ts";
import type { Operations, Patience } from "./operations.ts";

/** Bits of the calls' `flags` (virDomainXMLFlags and so on). */
const xml = { inactive: 2, all: 1 | 2 | 4 | 8 };
const start = { paused: 1, bypassCache: 4, forceBoot: 8 };
const startFlags = start.paused | start.bypassCache | start.forceBoot;
const destroyGracefully = 1;
const shutdown = { powerButton: 1, agent: 2 };
/** Managed save, snapshots, NVRAM, checkpoints: there are none that could stay behind or go. */
const undefineFlags = 1 | 2 | 4 | 8 | 16;
const vcpus = { maximum: 4, all: 1 | 2 | 4 };
const affect = { live: 1, config: 2 };
const listFilters = 0xffff;

/** What the driver answers: arguments in, Operations or a look at the domain, results out. */
export function qemuProcedures(operations: Operations, version: bigint): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => operations.domains.byUuid(uuid, name);
  /** How many a domain has of what this driver does not have. */
  const none = (dom: WireDomain): number => {
    find(dom);
    return 0;
  };
  return {
    connectGetType: () => ({ type: "QEMU" }),
    connectGetVersion: () => ({ hvVer: version }),
    connectGetMaxVcpus: () => ({ maxVcpus: 255 }),
    nodeGetInfo: nodeInfo,
    connectGetCapabilities: () => ({ capabilities: capabilities() }),
    connectGetHostname: () => ({ hostname: hostname() }),
    nodeGetSecurityModel: () => ({ model: "none", doi: "0" }),
    connectListAllDomains: ({ needResults, flags }) => {
      check(flags, listFilters, "qemuConnectListAllDomains");
      const found = selectDomains(operations.domains, flags);
      return { domains: needResults === 0 ? [] : found, ret: found.length };
    },

    domainLookupById: ({ id }) => ({ dom: operations.domains.byId(id).reference }),
    domainLookupByName: ({ name }) => ({ dom: operations.domains.byName(name).reference }),
    domainLookupByUuid: ({ uuid }) => ({ dom: operations.domains.byUuid(uuid).reference }),

    domainDefineXml: async ({ xml }, context) => ({ dom: await operations.define(xml, patienceOf(context)) }),
    domainDefineXmlFlags: async ({ xml, flags }, context) => {
      check(flags, 0, "qemuDomainDefineXMLFlags");
      return { dom: await operations.define(xml, patienceOf(context)) };
    },
    domainUndefine: ({ dom }, context) => operations.undefine(find(dom), patienceOf(context)),
    domainUndefineFlags: ({ dom, flags }, context) => {
      check(flags, undefineFlags, "qemuDomainUndefineFlags");
      return operations.undefine(find(dom), patienceOf(context));
    },
    domainCreateXml: async ({ xmlDesc, flags }, context) => {
      check(flags, startFlags, "qemuDomainCreateXML");
      return { dom: await operations.create(xmlDesc, has(flags, start.paused), patienceOf(context)) };
    },
    domainCreate: async ({ dom }, context) => {
      await operations.start(find(dom), false, patienceOf(context));
    },
    domainCreateWithFlags: async ({ dom, flags }, context) => {
      check(flags, startFlags, "qemuDomainCreateWithFlags");
      return { dom: await operations.start(find(dom), has(flags, start.paused), patienceOf(context)) };
    },
    domainSuspend: ({ dom }, context) => operations.suspend(find(dom), patienceOf(context)),
    domainResume: ({ dom }, context) => operations.resume(find(dom), patienceOf(context)),
    domainReset: ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainReset");
      return operations.reset(find(dom), patienceOf(context));
    },
    domainShutdown: ({ dom }, context) => operations.shutdown(find(dom), false, patienceOf(context)),
    domainShutdownFlags: ({ dom, flags }, context) => {
      check(flags, shutdown.powerButton | shutdown.agent, "qemuDomainShutdownFlags");
      return operations.shutdown(find(dom), flags === shutdown.agent, patienceOf(context));
    },
    domainDestroy: ({ dom }, context) => operations.destroy(find(dom), false, patienceOf(context)),
    domainDestroyFlags: ({ dom, flags }, context) => {
      check(flags, destroyGracefully, "qemuDomainDestroyFlags");
      return operations.destroy(find(dom), has(flags, destroyGracefully), patienceOf(context));
    },

    domainGetXmlDesc: ({ dom, flags }) => {
      check(flags, xml.all, "qemuDomainGetXMLDesc");
      return { xml: describe(find(dom), has(flags, xml.inactive)) };
    },
    domainGetState: ({ dom, flags }) => {
      check(flags, 0, "qemuDomainGetState");
      return { ...find(dom).status };
    },
    domainGetInfo: ({ dom }) => {
      const domain = find(dom);
      return {
        state: domain.status.state,
        maxMem: BigInt(domain.definition?.memoryKib ?? 0),
        memory: BigInt(domain.definition?.currentMemoryKib ?? 0),
        nrVirtCpu: domain.definition?.vcpus ?? 0,
        cpuTime: cpuTimeNs(operations.pidOf(domain)),
      };
    },
    domainGetMaxMemory: ({ dom }) => ({ memory: BigInt(find(dom).definition?.memoryKib ?? 0) }),
    domainGetMaxVcpus: ({ dom }) => ({ num: affected(find(dom), affect.live).maxVcpus }),
    domainGetVcpusFlags: ({ dom, flags }) => {
      check(flags, vcpus.all, "qemuDomainGetVcpusFlags");
      const definition = affected(find(dom), flags);
      return { num: has(flags, vcpus.maximum) ? definition.maxVcpus : definition.vcpus };
    },
    domainGetOsType: ({ dom }) => ({ type: find(dom).definition?.osType ?? "" }),
    domainIsActive: ({ dom }) => ({ active: Number(find(dom).incarnation !== undefined) }),
    domainIsPersistent: ({ dom }) => ({ persistent: Number(find(dom).persistent !== undefined) }),
    domainIsUpdated: ({ dom }) => ({ updated: none(dom) }),
    domainGetAutostart: ({ dom }) => ({ autostart: none(dom) }),
    domainHasManagedSaveImage: ({ dom }) => ({ result: none(dom) }),
    domainSnapshotNum: ({ dom }) => ({ num: none(dom) }),
    domainGetSecurityLabel: ({ dom }) => ({ label: "", enforcing: none(dom) }),
    domainGetMessages: ({ dom }) => ({ msgs: Array<string>(none(dom)) }),
  };
}

function describe({ persistent, definition, id }: Domain, inactive: boolean): string {
  const shown = inactive ? (persistent ?? definition) : definition;
  return shown?.toXml(inactive || id < 0 ? undefined : id) ?? "";
}

/** The definition that virDomainModificationImpact means. Throws VirError when the domain has none of that kind. */
function affected({ persistent, definition, incarnation }: Domain, flags: number): Definition {
  if (has(flags, affect.live) && incarnation === undefined) throw notRunning();
  const meant = has(flags, affect.config) ? persistent : definition;
  if (meant !== undefined) return meant;
  const detail = "transient domains do not have any persistent config";
  throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, detail);
}

function patienceOf({ deadline, signal }: CallContext): Patience {
  return { deadline, signal };
}

function has(flags: number, bit: number): boolean {
  return (flags & bit) !== 0;
}

function check(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.qemu, caller);
}
