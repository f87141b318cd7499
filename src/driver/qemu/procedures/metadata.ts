import type { DriverProcedures } from "../../driver.ts";
import { checkType, metadataOf, readMetadata } from "../../metadata-element.ts";
import type { Guests } from "../guests.ts";
import { affect, modify, target } from "../modification.ts";
import { check, patienceOf } from "./asked.ts";

const flagsOfAll = affect.live | affect.config;

/** Title, description and elements of the user's own. */
export function metadataProcedures(guests: Guests): DriverProcedures {
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      check(flags, flagsOfAll, "qemuDomainGetMetadata");
      const domain = guests.domains.byUuid(dom.uuid, dom.name);
      checkType(type);
      return { metadata: metadataOf(target(domain, flags).definition.root, type, uri) };
    },
    domainSetMetadata: async ({ dom, flags, ...given }, context) => {
      check(flags, flagsOfAll, "qemuDomainSetMetadata");
      const domain = guests.domains.byUuid(dom.uuid, dom.name);
      const { type, uri } = given;
      checkType(type);
      await readMetadata(given, guests.pauseFor(context.signal), (edit) =>
        modify(guests, domain, flags, "metadata", patienceOf(context), async (change) => {
          await change.editAll(edit);
          guests.publish({ name: "metadataChange", dom: domain.reference, type, nsuri: uri });
        }),
      );
    },
  };
}
