import type { Explored } from "./explored-world.ts";
import { explored as qemu } from "./qemu/explored.ts";
import { explored as xen } from "./xen/explored.ts";

/** The scenarios of all drivers, each with its driver's name before its own. */
export const exploredDrivers: readonly Explored[] = Object.entries({ qemu, xen }).flatMap(([driver, explored]) =>
  explored.map((each) => ({ ...each, name: `${driver}: ${each.name}` })),
);
