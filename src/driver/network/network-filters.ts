import { type Choice, type ListedObject, pair } from "../objects/flag-filter.ts";

/** virConnectListAllNetworksFlags. */
export const networkFilters: readonly (readonly Choice<ListedObject>[])[] = [
  pair(2, 1, ({ isActive }) => isActive),
  pair(4, 8, ({ persistent }) => persistent),
  pair(16, 32, ({ autostart }) => autostart),
];
