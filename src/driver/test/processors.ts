import type { Domain as WireDomain } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { formatCpuList } from "../tuning/cpu-list.ts";
import { cpuMaps, cpusIn, tuneOf } from "../tuning/cpu-map.ts";
import { pinned, pinOf, setPin } from "../tuning/pins.ts";
import { checkFlags, invalid, invalidArgument } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import { hostCpus } from "./host.ts";
import type { Hypervisor } from "./hypervisor.ts";

const running = 1;

/** On which of the host's CPUs virtual ones run. */
export function processorProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetVcpus: ({ dom, maxinfo, maplen }) => {
      const guest = find(dom);
      if (!guest.isActive) throw invalid("cannot list vcpus for an inactive domain");
      const count = Math.min(maxinfo, guest.definition.vcpus);
      const cpuTime = BigInt(hypervisor.clock()) * 100n;
      const pins = Array.from({ length: count }, (_, vcpu) => pinOf(guest.definition.root, pinned.vcpu(vcpu), allCpus));
      // It runs on the last that it may run on.
      const info = pins.map((cpus, number) => ({ number, state: running, cpuTime, cpu: cpus.at(-1) ?? 0 }));
      return { info, cpumaps: cpuMaps(pins, maplen) };
    },
    domainGetVcpuPinInfo: ({ dom, ncpumaps, maplen, flags }) => {
      const definition = find(dom).target(flags);
      const num = Math.min(ncpumaps, definition.maxVcpus);
      const pins = Array.from({ length: num }, (_, vcpu) => pinOf(definition.root, pinned.vcpu(vcpu), allCpus));
      return { cpumaps: cpuMaps(pins, maplen), num };
    },
    domainPinVcpu: ({ dom, vcpu, cpumap }) => pin(find(dom), vcpu, cpumap),
    domainPinVcpuFlags: ({ dom, vcpu, cpumap, flags }) => {
      checkFlags(flags, 0, "testDomainPinVcpuFlags");
      pin(find(dom), vcpu, cpumap);
    },
    domainGetEmulatorPinInfo: ({ dom, maplen, flags }) => {
      checkFlags(flags, affect.live | affect.config, "testDomainGetEmulatorPinInfo");
      const { root } = find(dom).target(flags);
      return { cpumaps: cpuMaps([pinOf(root, pinned.emulator, allCpus)], maplen), ret: 1 };
    },
    domainPinEmulator: ({ dom, cpumap, flags }) => {
      checkFlags(flags, affect.live | affect.config, "testDomainPinEmulator");
      const guest = find(dom);
      guest.soleTarget(flags);
      const cpus = cpusIn(cpumap);
      if (cpus.length === 0) throw invalidArgument("Empty cpu list for pinning");
      const cpuset = formatCpuList(cpus);
      guest.edit(flags, (root) => setPin(tuneOf(root), pinned.emulator, cpuset));
    },
  };
}

const allCpus = Array.from({ length: hostCpus }, (_, cpu) => cpu);

function pin(guest: Guest, vcpu: number, map: Uint8Array): void {
  if (!guest.isActive) throw invalid("cannot pin vcpus on an inactive domain");
  if (vcpu >= guest.definition.vcpus) throw invalidArgument(`requested vcpu '${vcpu}' is not present in the domain`);
  const cpuset = formatCpuList(cpusIn(map));
  guest.edit(affect.live, (root) => {
    const tune = tuneOf(root);
    const element = tune.all("vcpupin").find((each) => each.attribute("vcpu") === String(vcpu));
    if (element !== undefined) return element.setAttribute("cpuset", cpuset);
    const later = tune.all("vcpupin").find((each) => Number(each.attribute("vcpu")) > vcpu);
    const place = later === undefined ? tune.all("vcpupin").length : tune.children.indexOf(later);
    tune.children.splice(place, 0, new Element("vcpupin", { vcpu: String(vcpu), cpuset }));
  });
}
