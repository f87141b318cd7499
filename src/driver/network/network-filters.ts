import { type Choice, pair } from "../objects/flag-filter.ts";
import type { ManagedObject, ObjectDefinition } from "../objects/managed-object.ts";

/** virConnectListAllNetworksFlags. */
export const networkFilters: readonly (readonly Choice<ManagedObject<ObjectDefinition>>[])[] = [
  pair(2, 1, ({ isActive }) => isActive),
  pair(4, 8, ({ persistent }) => persistent),
  pair(16, 32, ({ autostart }) => autostart),
];
