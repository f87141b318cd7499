import type { DriverProcedures } from "../driver.ts";
import { checkFlags, invalidArgument } from "./failure.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainMemoryFlags. */
const memory = { virtual: 1, physical: 2 };
/** VIR_TYPED_PARAM_STRING_OKAY. */
const strings = 4;

/** Looking into a domain. */
export function inspectionProcedures(hypervisor: Hypervisor): DriverProcedures {
  return {
    domainMemoryPeek: ({ dom, offset, size, flags }) => {
      checkFlags(flags, memory.virtual | memory.physical, "testDomainMemoryPeek");
      if (flags === 0) throw invalidArgument("flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
      hypervisor.of(dom).checkActive();
      // Each byte of its memory is the end of its own address.
      const first = Number(offset & 0xffn);
      return { buffer: Uint8Array.from({ length: size }, (_, index) => first + index) };
    },
    // libvirt's own has none to tell, not even that of a domain that is not there.
    domainGetSecurityLabelList: () => ({ labels: [], ret: -1 }),
    // libvirtd itself adds a bit that its test hypervisor does not know, so that nobody gets an answer.
    domainGetLaunchSecurityInfo: ({ flags }) => {
      checkFlags(flags | strings, 0, "testDomainGetLaunchSecurityInfo");
      return { params: [] };
    },
  };
}
