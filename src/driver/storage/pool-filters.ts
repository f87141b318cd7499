import { type Choice, type ListedObject, pair } from "../objects/flag-filter.ts";
import type { PoolDefinition } from "./pool-definition.ts";
import { poolTypes } from "./pool-types.ts";

/** virConnectListAllStoragePoolsFlags. */
export const poolFilters: readonly (readonly Choice<ListedObject & { readonly definition: PoolDefinition }>[])[] = [
  pair(2, 1, ({ isActive }) => isActive),
  pair(4, 8, ({ persistent }) => persistent),
  pair(16, 32, ({ autostart }) => autostart),
  [...poolTypes.values()].map((type) => [type.bit, ({ definition }) => definition.type === type]),
];
