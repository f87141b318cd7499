import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { soleTarget } from "../../qemu/modification.ts";
import { notRunning } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { check, has } from "./asked.ts";

const vcpus = { maximum: 4 };
/** virDomainMemoryStatTags: what the guest was given, and what it has. */
const memoryStat = { available: 5, actual: 6 };

/** What a domain is and does. */
export function inspectionProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
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
      const info = await guests.lookAt(domain);
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
      const info = await guests.lookAt(domain);
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
  };
}

/** libvirt's name for what definitions call "linux". */
function osTypeOf({ definition }: Domain): string {
  const type = definition?.osType ?? "";
  return type === "linux" ? "xen" : type;
}
