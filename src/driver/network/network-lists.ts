import { type ErrorDomain, VirError, type Network as WireNetwork } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { bitsOf, type ListedObject, select } from "../objects/flag-filter.ts";
import { networkFilters } from "./network-filters.ts";

interface Listed extends ListedObject {
  readonly name: string;
  readonly reference: WireNetwork;
}

/** `listAll` is what libvirt's driver calls its function, and `domain` its part of libvirt, for an error's text. */
export function networkLists(
  networks: { readonly all: readonly Listed[] },
  listAll: string,
  domain: ErrorDomain,
): DriverProcedures {
  const names = (isActive: boolean): string[] =>
    networks.all.filter((each) => each.isActive === isActive).map(({ name }) => name);
  return {
    connectNumOfNetworks: () => ({ num: names(true).length }),
    connectListNetworks: ({ maxnames }) => ({ names: names(true).slice(0, maxnames) }),
    connectNumOfDefinedNetworks: () => ({ num: names(false).length }),
    connectListDefinedNetworks: ({ maxnames }) => ({ names: names(false).slice(0, maxnames) }),
    connectListAllNetworks: ({ needResults, flags }) => {
      VirError.checkFlags(flags, bitsOf(networkFilters), domain, listAll);
      const found = select(networks.all, networkFilters, flags);
      return { nets: needResults === 0 ? [] : found.map(({ reference }) => reference), ret: found.length };
    },
  };
}
