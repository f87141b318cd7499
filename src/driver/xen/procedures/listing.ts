import type { Domain } from "../../../model/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { type DomainMarks, selectDomains } from "../../qemu/domain-filter.ts";
import type { Operations } from "../operations.ts";
import { check } from "./asked.ts";

const listFilters = 0xffff;

/** Which domains there are. */
export function listingProcedures({ guests, saves, autostarts }: Operations): DriverProcedures {
  const marks: DomainMarks = {
    isSaved: (domain) => saves.hasManaged(domain),
    isAutostarted: (domain) => autostarts.has(domain),
  };
  const those = (isActive: boolean): Domain[] =>
    Array.from(guests.domains).filter(({ incarnation }) => (incarnation !== undefined) === isActive);
  return {
    connectListAllDomains: ({ needResults, flags }) => {
      check(flags, listFilters, "libxlConnectListAllDomains");
      const found = selectDomains(guests.domains, flags, marks);
      return { domains: needResults === 0 ? [] : found.map(({ reference }) => reference), ret: found.length };
    },
    connectListDomains: ({ maxids }) => ({
      ids: those(true)
        .map(({ id }) => id)
        .slice(0, maxids),
    }),
    connectNumOfDomains: () => ({ num: those(true).length }),
    connectListDefinedDomains: ({ maxnames }) => ({
      names: those(false)
        .map(({ name }) => name)
        .slice(0, maxnames),
    }),
    connectNumOfDefinedDomains: () => ({ num: those(false).length }),
    domainLookupById: ({ id }) => ({ dom: guests.domains.byId(id).reference }),
    domainLookupByName: ({ name }) => ({ dom: guests.domains.byName(name).reference }),
    domainLookupByUuid: ({ uuid }) => ({ dom: guests.domains.byUuid(uuid).reference }),
  };
}
