import type { VcpuInfo } from "../../libxl/index.ts";
import type { Domain } from "../../model/index.ts";
import { notRunning, toVirError } from "./errors.ts";
import type { Guests } from "./guests.ts";

/** virVcpuState. */
const state = { offline: 0, running: 1, blocked: 2 };

/** What a domain's virtual CPUs do now. Rejects with VirError when it does not run. */
export async function vcpusOf(guests: Guests, domain: Domain): Promise<readonly VcpuInfo[]> {
  const { incarnation, id } = domain;
  if (incarnation === undefined) throw notRunning();
  const vcpus = await guests.xen.vcpus(id).catch((error: unknown) => {
    throw toVirError(error, `list vcpus for domain '${id}'`);
  });
  // Meanwhile its number may be another's.
  if (domain.incarnation !== incarnation) throw notRunning();
  return vcpus;
}

export function vcpuState({ running, blocked }: VcpuInfo): number {
  return state[running ? "running" : blocked ? "blocked" : "offline"];
}
