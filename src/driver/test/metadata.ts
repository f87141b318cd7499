import type { DriverProcedures } from "../driver.ts";
import { checkType, metadataOf, readMetadata } from "../metadata-element.ts";
import { checkFlags } from "./failure.ts";
import { affect } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

const allFlags = affect.live | affect.config;

/** Title, description and elements of the user's own. */
export function metadataProcedures(hypervisor: Hypervisor): DriverProcedures {
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      checkFlags(flags, allFlags, "testDomainGetMetadata");
      checkType(type);
      return { metadata: metadataOf(hypervisor.of(dom).target(flags).root, type, uri) };
    },
    domainSetMetadata: ({ dom, flags, ...given }, { signal }) => {
      checkFlags(flags, allFlags, "testDomainSetMetadata");
      checkType(given.type);
      return readMetadata(given, hypervisor.pauseFor(signal), (edit) => {
        const guest = hypervisor.of(dom);
        guest.edit(flags, edit);
        hypervisor.tell({ name: "metadataChange", dom: guest.reference, type: given.type, nsuri: given.uri });
      });
    },
  };
}
