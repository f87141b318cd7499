import { type Choice, pair } from "../objects/flag-filter.ts";

/** virConnectListAllInterfacesFlags. */
export const interfaceFilters: readonly (readonly Choice<{ readonly isActive: boolean }>[])[] = [
  pair(2, 1, ({ isActive }) => isActive),
];
