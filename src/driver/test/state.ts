import type { Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { formatDefinition } from "./canonical.ts";
import { checkFlags, has } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainXMLFlags. */
const xml = { inactive: 2, all: 1 | 2 | 8 };

/** What a domain is like at the moment. */
export function stateProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetXmlDesc: ({ dom, flags }) => {
      checkFlags(flags, xml.all, "testDomainGetXMLDesc");
      return { xml: describe(find(dom), has(flags, xml.inactive)) };
    },
    domainGetState: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainGetState");
      return { ...find(dom).status };
    },
    domainGetInfo: ({ dom }) => {
      const { status, definition } = find(dom);
      return {
        state: status.state,
        maxMem: BigInt(definition.memoryKib),
        memory: BigInt(definition.currentMemoryKib),
        nrVirtCpu: definition.vcpus,
        // As if it had run since 1970.
        cpuTime: BigInt(hypervisor.clock()) * 1_000_000n,
      };
    },
    domainGetControlInfo: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainGetControlInfo");
      find(dom).checkActive();
      return { state: 0, details: 0, stateTime: 0n };
    },
    domainGetOsType: ({ dom }) => {
      find(dom);
      return { type: "linux" };
    },
    domainIsActive: ({ dom }) => ({ active: Number(find(dom).isActive) }),
    domainIsPersistent: ({ dom }) => ({ persistent: Number(find(dom).persistent) }),
    domainIsUpdated: ({ dom }) => {
      find(dom);
      return { updated: 0 };
    },
    domainGetAutostart: ({ dom }) => ({ autostart: Number(find(dom).autostart) }),
    domainSetAutostart: ({ dom, autostart }) => {
      find(dom).autostart = autostart !== 0;
    },
    domainGetSecurityLabel: ({ dom }) =>
      find(dom).isActive ? { label: "libvirt-test", enforcing: 1 } : { label: "", enforcing: 0 },
    domainGetMessages: ({ dom, flags }) => {
      checkFlags(flags, 1 | 2, "testDomainGetMessages");
      find(dom);
      return { msgs: [] };
    },
  };
}

function describe(guest: Guest, inactive: boolean): string {
  if (inactive) return formatDefinition(guest.nextDefinition);
  return formatDefinition(guest.definition, guest.isActive ? guest.id : undefined);
}
