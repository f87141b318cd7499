import type { DriverProcedures } from "../../driver.ts";
import { selectDomains } from "../domain-filter.ts";
import type { Guests } from "../guests.ts";
import { check } from "./asked.ts";

const listFilters = 0xffff;

/** Which domains there are. */
export function listingProcedures(guests: Guests): DriverProcedures {
  return {
    connectListAllDomains: ({ needResults, flags }) => {
      check(flags, listFilters, "qemuConnectListAllDomains");
      const found = selectDomains(guests.domains, flags);
      return { domains: needResults === 0 ? [] : found, ret: found.length };
    },

    domainLookupById: ({ id }) => ({ dom: guests.domains.byId(id).reference }),
    domainLookupByName: ({ name }) => ({ dom: guests.domains.byName(name).reference }),
    domainLookupByUuid: ({ uuid }) => ({ dom: guests.domains.byUuid(uuid).reference }),
  };
}
