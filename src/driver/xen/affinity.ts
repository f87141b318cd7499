import type { DomainConfig } from "../../libxl/index.ts";
import type { Xen } from "./xen.ts";

/*
 * Here a virtual CPU with an empty set runs on any of the host's CPUs. libxl has it run on none then, and refuses that: it
 * wants all of them by number, and tells them so.
 */

/** As libxl takes it. */
export function fillAffinity(config: DomainConfig, xen: Pick<Xen, "topology">): Promise<DomainConfig> {
  return withAffinity(config, xen, (cpus, all) => (cpus.length === 0 ? all : cpus));
}

/** From what libxl has. */
export function emptyAffinity(config: DomainConfig, xen: Pick<Xen, "topology">): Promise<DomainConfig> {
  return withAffinity(config, xen, (cpus, all) => (all.every((cpu) => cpus.includes(cpu)) ? [] : cpus));
}

async function withAffinity(
  config: DomainConfig,
  xen: Pick<Xen, "topology">,
  change: (cpus: readonly number[], all: readonly number[]) => readonly number[],
): Promise<DomainConfig> {
  const { b_info: build } = config;
  if (build?.vcpu_hard_affinity === undefined) return config;
  const all = (await xen.topology()).cpus.map(({ id }) => id);
  return {
    ...config,
    b_info: { ...build, vcpu_hard_affinity: build.vcpu_hard_affinity.map((cpus) => change(cpus, all)) },
  };
}
