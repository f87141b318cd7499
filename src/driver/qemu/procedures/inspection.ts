import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Guests } from "../guests.ts";
import { soleTarget } from "../modification.ts";
import { cpuTimeOf } from "../processes.ts";
import { taintsOf } from "../taints.ts";
import { affect, check, has } from "./asked.ts";

/** virDomainMessageType */
const messages = { deprecation: 1, tainting: 2 };
const vcpus = { live: 1, config: 2, maximum: 4, guest: 8, hotpluggable: 16 };
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
      const { userNs = 0n, systemNs = 0n } = cpuTimeOf(guests.runOf(domain)?.pid) ?? {};
      return {
        state: domain.status.state,
        maxMem: BigInt(domain.definition?.memoryKib ?? 0),
        memory: BigInt(domain.definition?.currentMemoryKib ?? 0),
        nrVirtCpu: domain.definition?.vcpus ?? 0,
        cpuTime: userNs + systemNs,
      };
    },
    domainGetMaxMemory: ({ dom }) => ({ memory: BigInt(find(dom).definition?.memoryKib ?? 0) }),
    domainGetMaxVcpus: ({ dom }) => ({ num: soleTarget(find(dom), affect.live).definition.maxVcpus }),
    domainGetVcpusFlags: ({ dom, flags }) => {
      check(flags, 31, "qemuDomainGetVcpusFlags");
      const { definition } = soleTarget(find(dom), flags);
      if (has(flags, vcpus.guest)) throw noGuestCount();
      return { num: has(flags, vcpus.maximum) ? definition.maxVcpus : definition.vcpus };
    },
    domainGetOsType: ({ dom }) => ({ type: find(dom).definition?.osType ?? "" }),
    domainIsActive: ({ dom }) => ({ active: Number(find(dom).incarnation !== undefined) }),
    domainIsPersistent: ({ dom }) => ({ persistent: Number(find(dom).persistent !== undefined) }),
    domainIsUpdated: ({ dom }) => ({ updated: none(dom) }),
    domainGetMessages: ({ dom, flags }) => {
      check(flags, messages.deprecation | messages.tainting, "qemuDomainGetMessages");
      const run = guests.runOf(find(dom));
      const wanted = run !== undefined && (flags === 0 || has(flags, messages.tainting));
      return { msgs: wanted ? taintsOf(run).map((each) => `tainted: ${each}`) : [] };
    },
    domainGetLaunchSecurityInfo: ({ dom, flags }) => {
      check(flags, 4, "qemuDomainGetLaunchSecurityInfo");
      return { params: Array(none(dom)) };
    },
  };
}

function noGuestCount(): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, "QEMU guest agent is not configured");
}
