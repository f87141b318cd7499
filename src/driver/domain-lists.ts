import type { Domain, DomainList } from "../model/index.ts";
import { type DomainMarks, selectDomains } from "./domain-filter.ts";
import type { DriverProcedures } from "./driver.ts";

/** All bits of virConnectListAllDomainsFlags. */
export const listFilters = 0xffff;

/** Which domains there are. `checkList` throws VirError, in the driver's words, for flags that are none of `listFilters`. */
export function domainLists(
  guests: { readonly domains: DomainList },
  marks: DomainMarks,
  checkList: (flags: number) => void,
): DriverProcedures {
  const those = (isActive: boolean): Domain[] =>
    Array.from(guests.domains).filter(({ incarnation }) => (incarnation !== undefined) === isActive);
  return {
    connectListAllDomains: ({ needResults, flags }) => {
      checkList(flags);
      const found = selectDomains(guests.domains, flags, marks);
      return { domains: needResults === 0 ? [] : found.map(({ reference }) => reference), ret: found.length };
    },
    connectListDomains: ({ maxids }) => {
      const ids = those(true).map(({ id }) => id);
      return { ids: ids.slice(0, maxids) };
    },
    connectNumOfDomains: () => ({ num: those(true).length }),
    connectListDefinedDomains: ({ maxnames }) => {
      const names = those(false).map(({ name }) => name);
      return { names: names.slice(0, maxnames) };
    },
    connectNumOfDefinedDomains: () => ({ num: those(false).length }),
    domainLookupById: ({ id }) => ({ dom: guests.domains.byId(id).reference }),
    domainLookupByName: ({ name }) => ({ dom: guests.domains.byName(name).reference }),
    domainLookupByUuid: ({ uuid }) => ({ dom: guests.domains.byUuid(uuid).reference }),
  };
}
