import type { DriverProcedures } from "../../driver.ts";
import { checkType, metadataOf, readMetadata } from "../../metadata-element.ts";
import { changed, target, targetsOf } from "../../qemu/modification.ts";
import { checkNotZero, type Guests } from "../guests.ts";
import { check, patienceOf } from "./asked.ts";

const all = 3;

/** Title, description and elements of the user's own. */
export function metadataProcedures(guests: Guests): DriverProcedures {
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      check(flags, all, "libxlDomainGetMetadata");
      const domain = guests.domains.byUuid(dom.uuid, dom.name);
      checkType(type);
      return { metadata: metadataOf(target(domain, flags).definition.root, type, uri) };
    },
    domainSetMetadata: async ({ dom, flags, ...given }, context) => {
      check(flags, all, "libxlDomainSetMetadata");
      const domain = guests.domains.byUuid(dom.uuid, dom.name);
      checkNotZero(domain);
      const { type, uri } = given;
      checkType(type);
      await readMetadata(given, guests.pauseFor(context.signal), (edit) =>
        guests.exclusively(domain, "metadata", patienceOf(context), async () => {
          guests.checkExists(domain);
          const { live, config } = targetsOf(domain, flags);
          if (config !== undefined) await guests.keep(domain, changed(config, edit));
          if (live !== undefined && domain.definition !== undefined) {
            guests.runOf(domain)?.describe(changed(domain.definition, edit));
          }
          guests.publish({ name: "metadataChange", dom: domain.reference, type, nsuri: uri });
        }),
      );
    },
  };
}
