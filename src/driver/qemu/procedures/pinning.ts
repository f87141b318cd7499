import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { formatCpuList, parseCpuList } from "../../tuning/cpu-list.ts";
import { cpuMaps, cpusIn, tuneOf } from "../../tuning/cpu-map.ts";
import { pinned, pinOf, setPin } from "../../tuning/pins.ts";
import { setAffinity } from "../affinity.ts";
import { invalid, toVirError } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { affect, modify, soleTarget } from "../modification.ts";
import type { Observations } from "../observation.ts";
import { allowedCpus, cpuTimeOf, hostCpus } from "../processes.ts";
import { vcpuThreads } from "../vcpu-threads.ts";
import { check, patienceOf } from "./asked.ts";

const all = affect.live | affect.config;
const running = 1;

/** On which of the host's CPUs a guest runs, and what its own do. */
export function pinningProcedures(guests: Guests, observations: Observations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const pinVcpu = (dom: WireDomain, vcpu: number, map: Uint8Array, flags: number, context: CallContext) => {
    check(flags, all, "qemuDomainPinVcpuFlags");
    return modify(guests, find(dom), flags, "pin", patienceOf(context), async (change) => {
      const { live, config } = change.targets;
      if (live !== undefined && vcpu >= live.maxVcpus) throw outOfRange(vcpu, "live", live.maxVcpus);
      if (config !== undefined && vcpu >= config.maxVcpus) throw outOfRange(vcpu, "persistent", config.maxVcpus);
      const cpus = cpusIn(map);
      if (cpus.length === 0) throw wrong("Empty cpu list for pinning");
      if (change.run !== undefined) {
        const { value } = await vcpuThreads(observations, change.run);
        const thread = value.find(({ number }) => number === vcpu)?.thread;
        if (thread !== undefined) await setAffinity(thread, formatCpuList(cpus));
      }
      await change.editAll((root) => setPin(tuneOf(root), pinned.vcpu(vcpu), formatCpuList(cpus)));
      if (change.run !== undefined) tellPin(guests, change.domain, `vcpupin${vcpu}`, cpus);
    });
  };
  return {
    domainGetVcpus: async ({ dom, maxinfo, maplen }) => {
      const domain = find(dom);
      const { definition } = domain;
      const run = guests.runOf(domain);
      if (run?.pid === undefined || definition === undefined)
        throw invalid("cannot retrieve vcpu information for inactive domain");
      const { value } = await asked(vcpuThreads(observations, run));
      const threads = value.slice(0, maxinfo);
      const pid = run.pid;
      const info = threads.map(({ number, thread }) => {
        const { userNs = 0n, systemNs = 0n, cpu = 0 } = cpuTimeOf(pid, thread) ?? {};
        return { number, state: running, cpuTime: userNs + systemNs, cpu };
      });
      const maps = threads.map(({ thread }) => parseCpuList(allowedCpus(pid, thread) ?? ""));
      return { info, cpumaps: cpuMaps(maps, maplen) };
    },
    domainGetVcpuPinInfo: ({ dom, ncpumaps, maplen, flags }) => {
      check(flags, all, "qemuDomainGetVcpuPinInfo");
      const { definition } = soleTarget(find(dom), flags);
      const num = Math.min(ncpumaps, definition.vcpus);
      const pins = Array.from({ length: num }, (_, vcpu) => pinOf(definition.root, pinned.vcpu(vcpu), hostCpus()));
      return { cpumaps: cpuMaps(pins, maplen), num };
    },
    domainPinVcpu: ({ dom, vcpu, cpumap }, context) => pinVcpu(dom, vcpu, cpumap, affect.live, context),
    domainPinVcpuFlags: ({ dom, vcpu, cpumap, flags }, context) => pinVcpu(dom, vcpu, cpumap, flags, context),
    domainGetEmulatorPinInfo: ({ dom, maplen, flags }) => {
      check(flags, all, "qemuDomainGetEmulatorPinInfo");
      const { definition } = soleTarget(find(dom), flags);
      return { cpumaps: cpuMaps([pinOf(definition.root, pinned.emulator, hostCpus())], maplen), ret: 1 };
    },
    domainPinEmulator: ({ dom, cpumap, flags }, context) => {
      check(flags, all, "qemuDomainPinEmulator");
      return modify(guests, find(dom), flags, "pin", patienceOf(context), async (change) => {
        const cpus = cpusIn(cpumap);
        if (cpus.length === 0) throw wrong("Empty cpu list for pinning");
        const pid = change.run?.pid;
        if (pid !== undefined) await setAffinity(pid, formatCpuList(cpus));
        await change.editAll((root) => setPin(tuneOf(root), pinned.emulator, formatCpuList(cpus)));
        if (change.run !== undefined) tellPin(guests, change.domain, "emulatorpin", cpus);
      });
    },
  };
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toVirError(error);
  }
}

/** Tells that something of a guest that runs has another place. */
export function tellPin(guests: Guests, { reference: dom }: Domain, name: string, cpus: readonly number[]): void {
  const value = { type: "string", value: formatCpuList(cpus) } as const;
  guests.publish({ name: "tunable", dom, params: [{ field: `cputune.${name}`, value }] });
}

function outOfRange(vcpu: number, which: string, count: number): VirError {
  return wrong(`vcpu ${vcpu} is out of range of ${which} cpu count ${count}`);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}
