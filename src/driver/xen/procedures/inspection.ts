import type { DomainInfo } from "../../../libxl/index.ts";
import type { Domain } from "../../../model/index.ts";
import type { TypedParam, Domain as WireDomain } from "../../../protocol/index.ts";
import { selectDomains, unmarked } from "../../domain-filter.ts";
import type { DriverProcedures } from "../../driver.ts";
import { soleTarget } from "../../qemu/modification.ts";
import { isDomainZero } from "../domain-zero.ts";
import { notRunning } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { check, has } from "./asked.ts";

const vcpus = { maximum: 4 };
/** virDomainMemoryStatTags: what the guest was given, and what it has. */
const memoryStat = { available: 5, actual: 6 };
/** Which domains, not to wait (nobody does), and whether all groups must be known. */
const bulk = { selection: 0xff, noWait: 0x2000_0000, enforce: 0x8000_0000 };

/** What a domain is and does. */
export function inspectionProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  /** As Xen has it now; undefined: it does not run. */
  const look = async (domain: Domain): Promise<DomainInfo | undefined> => {
    const { id } = domain;
    if (id < 0 || (id === 0 && !isDomainZero(domain))) return undefined;
    const info = await guests.xen.domain(id);
    // Meanwhile its number may be another's.
    return info?.uuid === domain.uuid ? info : undefined;
  };
  const none = (dom: WireDomain): number => {
    find(dom);
    return 0;
  };
  return {
    domainGetState: ({ dom, flags }) => {
      check(flags, 0, "libxlDomainGetState");
      return { ...find(dom).status };
    },
    domainGetInfo: async ({ dom }) => {
      const domain = find(dom);
      const info = await look(domain);
      const { definition } = domain;
      return {
        state: domain.status.state,
        maxMem: BigInt(definition?.memoryKib ?? 0),
        memory: info?.currentMemoryKib ?? BigInt(definition?.currentMemoryKib ?? 0),
        nrVirtCpu: info?.onlineVcpus ?? definition?.vcpus ?? 0,
        cpuTime: info?.cpuTimeNs ?? 0n,
      };
    },
    domainMemoryStats: async ({ dom, maxStats, flags }) => {
      check(flags, 0, "libxlDomainMemoryStats");
      const domain = find(dom);
      const info = await look(domain);
      if (info === undefined) throw notRunning();
      const stats = [
        { tag: memoryStat.actual, val: BigInt(domain.definition?.currentMemoryKib ?? info.currentMemoryKib) },
        { tag: memoryStat.available, val: info.currentMemoryKib },
      ];
      return { stats: stats.slice(0, maxStats) };
    },
    domainGetMaxMemory: ({ dom }) => ({ memory: BigInt(find(dom).definition?.memoryKib ?? 0) }),
    domainGetMaxVcpus: ({ dom }) => ({ num: find(dom).definition?.maxVcpus ?? 0 }),
    domainGetVcpusFlags: ({ dom, flags }) => {
      check(flags, 7, "libxlDomainGetVcpusFlags");
      const { definition } = soleTarget(find(dom), flags);
      return { num: has(flags, vcpus.maximum) ? definition.maxVcpus : definition.vcpus };
    },
    domainGetOsType: ({ dom }) => ({ type: osTypeOf(find(dom)) }),
    domainIsActive: ({ dom }) => ({ active: Number(find(dom).incarnation !== undefined) }),
    domainIsPersistent: ({ dom }) => ({ persistent: Number(find(dom).persistent !== undefined) }),
    domainIsUpdated: ({ dom }) => ({ updated: none(dom) }),
    connectGetAllDomainStats: async ({ doms, stats, flags }) => {
      check(flags, bulk.selection | bulk.noWait | bulk.enforce, "libxlConnectGetAllDomainStats");
      const given = doms.flatMap(({ uuid }) => Array.from(guests.domains).filter((domain) => domain.uuid === uuid));
      const chosen = selectDomains(doms.length > 0 ? given : guests.domains, flags & bulk.selection, unmarked);
      // One look for all of them.
      const infos = new Map((await guests.xen.domains()).map((info) => [info.uuid, info]));
      return {
        retStats: chosen.map((domain) => ({
          dom: domain.reference,
          params: statsOf(domain, stats === 0 ? 15 : stats, infos.get(domain.uuid)),
        })),
      };
    },
  };
}

/** libvirt's name for what definitions call "linux". */
function osTypeOf({ definition }: Domain): string {
  const type = definition?.osType ?? "";
  return type === "linux" ? "xen" : type;
}

/** Of virDomainStatsTypes those that Xen tells: state, CPU time, balloon, vcpus. */
function statsOf({ status, definition, id }: Domain, types: number, found: DomainInfo | undefined): TypedParam[] {
  const info = found?.domid === id ? found : undefined;
  const params: TypedParam[] = [];
  if (has(types, 1)) {
    params.push({ field: "state.state", value: { type: "int", value: status.state } });
    params.push({ field: "state.reason", value: { type: "int", value: status.reason } });
  }
  if (has(types, 2) && info !== undefined) {
    params.push({ field: "cpu.time", value: { type: "ullong", value: info.cpuTimeNs } });
  }
  if (has(types, 4)) {
    const current = info?.currentMemoryKib ?? BigInt(definition?.currentMemoryKib ?? 0);
    params.push({ field: "balloon.current", value: { type: "ullong", value: current } });
    params.push({ field: "balloon.maximum", value: { type: "ullong", value: BigInt(definition?.memoryKib ?? 0) } });
  }
  if (has(types, 8)) {
    params.push({ field: "vcpu.current", value: { type: "uint", value: info?.onlineVcpus ?? definition?.vcpus ?? 0 } });
    params.push({ field: "vcpu.maximum", value: { type: "uint", value: definition?.maxVcpus ?? 0 } });
  }
  return params;
}
