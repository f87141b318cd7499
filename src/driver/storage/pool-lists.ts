import { type ErrorDomain, VirError, type StoragePool as WirePool } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { bitsOf, type ListedObject, select } from "../objects/flag-filter.ts";
import type { PoolDefinition } from "./pool-definition.ts";
import { poolFilters } from "./pool-filters.ts";

interface Listed extends ListedObject {
  readonly name: string;
  readonly reference: WirePool;
  readonly definition: PoolDefinition;
}

/** `listAll` is what libvirt's driver calls its function, and `domain` its part of libvirt, for an error's text. */
export function poolLists(
  pools: { readonly all: readonly Listed[] },
  listAll: string,
  domain: ErrorDomain,
): DriverProcedures {
  const names = (isActive: boolean): string[] =>
    pools.all.filter((each) => each.isActive === isActive).map(({ name }) => name);
  return {
    connectNumOfStoragePools: () => ({ num: names(true).length }),
    connectListStoragePools: ({ maxnames }) => ({ names: names(true).slice(0, maxnames) }),
    connectNumOfDefinedStoragePools: () => ({ num: names(false).length }),
    connectListDefinedStoragePools: ({ maxnames }) => ({ names: names(false).slice(0, maxnames) }),
    connectListAllStoragePools: ({ needResults, flags }) => {
      VirError.checkFlags(flags, bitsOf(poolFilters), domain, listAll);
      const found = select(pools.all, poolFilters, flags);
      return { pools: needResults === 0 ? [] : found.map(({ reference }) => reference), ret: found.length };
    },
  };
}
