import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { affect } from "../../qemu/modification.ts";
import { changeZero, isDomainZero } from "../domain-zero.ts";
import type { Guests } from "../guests.ts";
import type { Run } from "../run.ts";
import { check, has, patienceOf } from "./asked.ts";

const maximum = 4;

interface Resource {
  /** Refuses what cannot be; `definition` is the run's or the persistent one. */
  check(definition: { readonly memoryKib: number; readonly maxVcpus: number }, isLive: boolean): void;
  apply(run: Pick<Run, "domid">): Promise<void>;
  edit(root: Element): void;
}

/** How much memory and how many processors a domain has, and may have. */
export function resourceProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const change = (dom: WireDomain, flags: number, what: string, resource: Resource, context: CallContext) => {
    const domain = find(dom);
    const { definition } = domain;
    if (isDomainZero(domain) && definition !== undefined) {
      const act = async (): Promise<void> => {
        // How large it may become Xen alone knows.
        resource.check({ memoryKib: Number.POSITIVE_INFINITY, maxVcpus: definition.maxVcpus }, true);
        await resource.apply({ domid: 0 });
      };
      return changeZero(guests, domain, flags, what, patienceOf(context), { act, edit: (root) => resource.edit(root) });
    }
    return guests.modify(domain, flags, what, patienceOf(context), async (change) => {
      const { run, targets } = change;
      if (targets.live !== undefined) resource.check(targets.live, true);
      if (targets.config !== undefined) resource.check(targets.config, false);
      if (run !== undefined) await resource.apply(run);
      await change.editAll((root) => resource.edit(root));
    });
  };
  const setMemory = (dom: WireDomain, memory: bigint, flags: number, context: CallContext) => {
    check(flags, affect.live | affect.config | maximum, "libxlDomainSetMemoryFlags");
    const resource = has(flags, maximum) ? maximumMemory(Number(memory)) : balloon(guests, Number(memory));
    return change(dom, flags, "memory", resource, context);
  };
  const setVcpus = (dom: WireDomain, count: number, flags: number, context: CallContext) => {
    check(flags, affect.live | affect.config | maximum, "libxlDomainSetVcpusFlags");
    const resource = has(flags, maximum) ? maximumVcpus(count) : currentVcpus(guests, count);
    return change(dom, flags, "vcpus", resource, context);
  };
  return {
    domainSetMemory: ({ dom, memory }, context) => setMemory(dom, memory, affect.live, context),
    domainSetMaxMemory: ({ dom, memory }, context) => setMemory(dom, memory, maximum, context),
    domainSetMemoryFlags: ({ dom, memory, flags }, context) => setMemory(dom, memory, flags, context),
    domainSetVcpus: ({ dom, nvcpus }, context) => setVcpus(dom, nvcpus, affect.live, context),
    domainSetVcpusFlags: ({ dom, nvcpus, flags }, context) => setVcpus(dom, nvcpus, flags, context),
  };
}

function balloon(guests: Guests, kib: number): Resource {
  return {
    check: ({ memoryKib }) => {
      if (kib > memoryKib) throw wrong("cannot set memory higher than max memory");
    },
    apply: ({ domid }) => guests.xen.setMemoryTarget(domid, kib),
    edit: (root) => {
      setKib(root, "currentMemory", kib);
      // Of domain 0 alone, which was smaller when we came.
      if (Number(root.first("memory")?.text) < kib) setKib(root, "memory", kib);
    },
  };
}

function maximumMemory(kib: number): Resource {
  return {
    check: (_definition, isLive) => {
      if (isLive) throw unsupported("the maximum memory of an active domain cannot be changed");
    },
    apply: async () => {},
    edit: (root) => {
      setKib(root, "memory", kib);
      if (Number(root.first("currentMemory")?.text ?? 0) > kib) setKib(root, "currentMemory", kib);
    },
  };
}

function currentVcpus(guests: Guests, count: number): Resource {
  return {
    check: ({ maxVcpus }) => {
      if (count < 1 || count > maxVcpus) {
        throw wrong(`requested vcpus is greater than max allowable vcpus for the domain: ${count} > ${maxVcpus}`);
      }
    },
    apply: ({ domid }) => guests.xen.setVcpus(domid, count),
    edit: (root) => {
      const element = root.first("vcpu");
      if (count === Number(element?.text)) element?.removeAttribute("current");
      else element?.setAttribute("current", String(count));
    },
  };
}

function maximumVcpus(count: number): Resource {
  return {
    check: (_definition, isLive) => {
      if (isLive) throw wrong("maximum vcpu count of a live domain can't be modified");
      if (count < 1 || count > 512) throw wrong(`maximum vcpu count must be from 1 to 512, not ${count}`);
    },
    apply: async () => {},
    edit: (root) => {
      const element = root.first("vcpu");
      const current = Number(element?.attribute("current") ?? element?.text ?? 1);
      element?.setText(String(count));
      if (current >= count) element?.removeAttribute("current");
      else element?.setAttribute("current", String(current));
    },
  };
}

function setKib(root: Element, name: string, kib: number): void {
  root.first(name)?.setAttribute("unit", "KiB");
  root.first(name)?.setText(String(kib));
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.libxl, detail);
}
