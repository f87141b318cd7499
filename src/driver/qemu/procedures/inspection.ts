import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Guests } from "../guests.ts";
import { cpuTimeNs } from "../machine.ts";
import { affect, affected, check, has } from "./asked.ts";

const vcpus = { maximum: 4, all: 1 | 2 | 4 };

/** What a domain is and does, as known here: QEMU is not asked. */
export function inspectionProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  /** How many a domain has of what this driver does not have. */
  const none = (dom: WireDomain): number => {
    find(dom);
    return 0;
  };
  return {
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
        cpuTime: cpuTimeNs(guests.runOf(domain)?.pid),
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
