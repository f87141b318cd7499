import { userOf } from "./processes.ts";
import type { Run } from "./run.ts";

/** What makes a run unlike what its definition says, in libvirt's words. */
export type Taint = "custom monitor control commands issued" | "running with undesirable elevated privileges";

const noted = new WeakMap<Run, Set<Taint>>();

/** From here on nobody can be sure that the definition says what the guest is. */
export function taint(run: Run, what: Taint): void {
  const all = noted.get(run) ?? new Set();
  all.add(what);
  noted.set(run, all);
}

/** In libvirt's order. */
export function taintsOf(run: Run): Taint[] {
  const asRoot: Taint[] = userOf(run.pid) === 0 ? ["running with undesirable elevated privileges"] : [];
  return [...(noted.get(run) ?? []), ...asRoot];
}
