import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { affect, soleTarget } from "../../qemu/modification.ts";
import { formatCpuList } from "../../tuning/cpu-list.ts";
import { cpuMaps, cpusIn, tuneOf } from "../../tuning/cpu-map.ts";
import { pinned, pinOf, setPin } from "../../tuning/pins.ts";
import { changeZero, isDomainZero } from "../domain-zero.ts";
import type { Guests } from "../guests.ts";
import { vcpuState, vcpusOf } from "../vcpus.ts";
import { check, patienceOf } from "./asked.ts";

const either = affect.live | affect.config;

/** On which of the host's CPUs a domain's run, and what they do. */
export function pinningProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const pinVcpu = (dom: WireDomain, vcpu: number, cpumap: Uint8Array, flags: number, context: CallContext) => {
    check(flags, either, "libxlDomainPinVcpuFlags");
    const domain = find(dom);
    const cpus = cpusIn(cpumap);
    const checkFor = (target: Definition | undefined): void => {
      if (target !== undefined && vcpu >= target.vcpus) throw wrong(`vcpu '${vcpu}' is not active`);
      if (cpus.length === 0) throw wrong("Empty cpu list for pinning");
    };
    const edit = (root: Element): void => setPin(tuneOf(root), pinned.vcpu(vcpu), formatCpuList(cpus));
    if (isDomainZero(domain)) {
      const act = async (): Promise<void> => {
        checkFor(domain.definition);
        await guests.xen.pinVcpu(0, vcpu, cpus);
      };
      return changeZero(guests, domain, flags, "pin", patienceOf(context), { act, edit });
    }
    return guests.modify(domain, flags, "pin", patienceOf(context), async (change) => {
      const { run, targets } = change;
      checkFor(targets.live);
      checkFor(targets.config);
      if (run !== undefined) await guests.xen.pinVcpu(run.domid, vcpu, cpus);
      await change.editAll(edit);
    });
  };
  return {
    domainGetVcpus: async ({ dom, maxinfo, maplen }) => {
      const vcpus = (await vcpusOf(guests, find(dom))).slice(0, maxinfo);
      const info = vcpus.map((vcpu) => ({
        number: vcpu.number,
        state: vcpuState(vcpu),
        cpuTime: vcpu.cpuTimeNs,
        cpu: vcpu.cpu,
      }));
      const maps = vcpus.map(({ cpus }) => cpus);
      return { info, cpumaps: cpuMaps(maps, maplen) };
    },
    domainGetVcpuPinInfo: async ({ dom, ncpumaps, maplen, flags }) => {
      check(flags, either, "libxlDomainGetVcpuPinInfo");
      const { definition } = soleTarget(find(dom), flags);
      const num = Math.min(ncpumaps, definition.vcpus);
      const all = (await guests.xen.topology()).cpus.map(({ id }) => id);
      const pins = Array.from({ length: num }, (_, vcpu) => pinOf(definition.root, pinned.vcpu(vcpu), all));
      return { cpumaps: cpuMaps(pins, maplen), num };
    },
    domainPinVcpu: ({ dom, vcpu, cpumap }, context) => pinVcpu(dom, vcpu, cpumap, affect.live, context),
    domainPinVcpuFlags: ({ dom, vcpu, cpumap, flags }, context) => pinVcpu(dom, vcpu, cpumap, flags, context),
  };
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, detail);
}
