import type { Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, has, invalid, invalidArgument } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** Beside the bits of `affect`. */
const maximum = 4;
const allFlags = affect.live | affect.config | maximum;
const mostVcpus = 32;

/** How much memory and how many virtual CPUs a domain has. */
export function resourceProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetMaxMemory: ({ dom }) => ({ memory: BigInt(find(dom).definition.memoryKib) }),
    domainSetMaxMemory: ({ dom, memory }) => setMaxMemory(find(dom), Number(memory), 0),
    domainSetMemory: ({ dom, memory }) => setMemory(find(dom), Number(memory), affect.live),
    domainSetMemoryFlags: ({ dom, memory, flags }) => {
      checkFlags(flags, allFlags, "testDomainSetMemoryFlags");
      (has(flags, maximum) ? setMaxMemory : setMemory)(find(dom), Number(memory), flags);
    },
    domainGetMaxVcpus: ({ dom }) => ({ num: find(dom).target(affect.live).maxVcpus }),
    domainGetVcpusFlags: ({ dom, flags }) => {
      checkFlags(flags, allFlags, "testDomainGetVcpusFlags");
      const { maxVcpus, vcpus } = find(dom).target(flags);
      return { num: has(flags, maximum) ? maxVcpus : vcpus };
    },
    domainSetVcpus: ({ dom, nvcpus }) => setVcpus(find(dom), nvcpus, affect.live),
    domainSetVcpusFlags: ({ dom, nvcpus, flags }) => {
      checkFlags(flags, allFlags, "testDomainSetVcpusFlags");
      setVcpus(find(dom), nvcpus, flags);
    },
  };
}

function setMaxMemory(guest: Guest, kib: number, flags: number): void {
  guest.soleTarget(flags);
  if (guest.targets(flags).live !== undefined) throw invalid("cannot resize the maximum memory on an active domain");
  guest.edit(flags, (root) => {
    const current = root.first("currentMemory");
    if (Number(current?.text) > kib) current?.setText(String(kib));
    root.first("memory")?.setText(String(kib));
  });
}

function setMemory(guest: Guest, kib: number, flags: number): void {
  if (kib > guest.soleTarget(flags).memoryKib) throw invalidArgument("cannot set memory higher than max memory");
  guest.edit(flags, (root) => root.first("currentMemory")?.setText(String(kib)));
}

function setVcpus(guest: Guest, count: number, flags: number): void {
  if (count > mostVcpus)
    throw invalidArgument(`requested cpu amount exceeds maximum supported amount (${count} > ${mostVcpus})`);
  const { live, config } = guest.targets(flags);
  const limits = [live?.maxVcpus, has(flags, maximum) ? undefined : config?.maxVcpus];
  for (const limit of limits) {
    if (limit !== undefined && count > limit)
      throw invalidArgument(`requested cpu amount exceeds maximum (${count} > ${limit})`);
  }
  guest.edit(flags, (root) => {
    const vcpu = root.first("vcpu");
    const present = Number(vcpu?.attribute("current") ?? vcpu?.text);
    if (!has(flags, maximum)) return vcpu?.setAttribute("current", String(count));
    vcpu?.setAttribute("current", String(Math.min(present, count)));
    vcpu?.setText(String(count));
  });
}
