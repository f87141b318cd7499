import type { Definition, Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { counted, readAll, strings, typesOf, writeAll } from "../../tuning/parameters.ts";
import {
  checkNumaModeNumber,
  checkParams,
  interfaceTunables,
  memoryTunables,
  numaTunables,
  perfTunables,
  type Tunable,
  weightTunables,
} from "../../tuning/tunables.ts";
import { interfaceNamed } from "../devices-of.ts";
import { invalid } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { affect, type Change, modify, soleTarget, target, targetsOf } from "../modification.ts";
import { checkSchedulerRanges, schedulerTunables } from "../tuning/scheduler.ts";
import { check, patienceOf } from "./asked.ts";

const all = affect.live | affect.config;

/** Why the kernel does not limit a guest that runs: none has a control group. */
const without = {
  cpu: "cgroup CPU controller is not mounted",
  memory: "cgroup memory controller is not mounted",
  blkio: "blkio cgroup isn't mounted",
  cpuset: "cgroup cpuset controller is not mounted",
};

/** Limits and shares of the host: of definitions; those of guests that run are refused with the reason. */
export function tuningProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  /** The definition; refuses the run's, for `reason`. */
  const offline = (found: { definition: Definition; isLive: boolean }, reason: string): Element => {
    if (found.isLive) throw invalid(reason);
    return found.definition.root;
  };
  const set = (domain: Domain, flags: number, context: CallContext, edit: (change: Change) => Promise<void>) =>
    modify(guests, domain, flags, "tuning", patienceOf(context), edit);
  const write = (tunables: readonly Tunable[], params: readonly TypedParam[], reason: string) => {
    return async (change: Change): Promise<void> => {
      if (change.run !== undefined) throw invalid(reason);
      await change.editAll((root) => writeAll(tunables, root, params));
    };
  };
  const setScheduler = (dom: WireDomain, params: readonly TypedParam[], flags: number, context: CallContext) => {
    checkParams(params, typesOf(schedulerTunables));
    const domain = find(dom);
    return set(domain, flags, context, async (change) => {
      if (change.run !== undefined) throw invalid(without.cpu);
      checkSchedulerRanges(params);
      await change.editAll((root) => writeAll(schedulerTunables, root, params));
    });
  };
  const scheduler = (dom: WireDomain, nparams: number, flags: number): { params: TypedParam[] } => {
    const root = offline(soleTarget(find(dom), flags), without.cpu);
    return { params: readAll(schedulerTunables, root).slice(0, nparams) };
  };
  return {
    domainGetSchedulerType: ({ dom }) => {
      if (find(dom).incarnation !== undefined) throw invalid(without.cpu);
      return { type: "posix", nparams: schedulerTunables.length };
    },
    domainGetSchedulerParameters: ({ dom, nparams }) => scheduler(dom, nparams, 0),
    domainGetSchedulerParametersFlags: ({ dom, nparams, flags }) => {
      check(flags, all | strings, "qemuDomainGetSchedulerParametersFlags");
      return scheduler(dom, nparams, flags);
    },
    domainSetSchedulerParameters: ({ dom, params }, context) => setScheduler(dom, params, 0, context),
    domainSetSchedulerParametersFlags: ({ dom, params, flags }, context) => {
      check(flags, all, "qemuDomainSetSchedulerParametersFlags");
      return setScheduler(dom, params, flags, context);
    },
    domainGetMemoryParameters: ({ dom, nparams, flags }) => {
      check(flags, all | strings, "qemuDomainGetMemoryParameters");
      const domain = find(dom);
      targetsOf(domain, flags);
      return counted(memoryTunables, () => offline(target(domain, flags), without.memory), nparams, flags);
    },
    domainSetMemoryParameters: ({ dom, params, flags }, context) => {
      check(flags, all, "qemuDomainSetMemoryParameters");
      checkParams(params, typesOf(memoryTunables));
      return set(find(dom), flags, context, (change) => {
        for (const each of [change.targets.config]) if (each !== undefined) checkSwapLimit(each.root, params);
        return write(memoryTunables, params, without.memory)(change);
      });
    },
    domainGetBlkioParameters: ({ dom, nparams, flags }) => {
      check(flags, all | strings, "qemuDomainGetBlkioParameters");
      const domain = find(dom);
      targetsOf(domain, flags);
      return counted(weightTunables, () => offline(target(domain, flags), without.blkio), nparams, flags);
    },
    domainSetBlkioParameters: ({ dom, params, flags }, context) => {
      check(flags, all, "qemuDomainSetBlkioParameters");
      checkParams(params, typesOf(weightTunables));
      return set(find(dom), flags, context, write(weightTunables, params, without.blkio));
    },
    domainGetNumaParameters: ({ dom, nparams, flags }) => {
      check(flags, all | strings, "qemuDomainGetNumaParameters");
      return counted(numaTunables, () => soleTarget(find(dom), flags).definition.root, nparams, flags);
    },
    domainSetNumaParameters: ({ dom, params, flags }, context) => {
      check(flags, all, "qemuDomainSetNumaParameters");
      checkParams(params, typesOf(numaTunables));
      return set(find(dom), flags, context, async (change) => {
        const mode = params.find(({ field }) => field === "numa_mode");
        if (mode !== undefined) checkNumaModeNumber(mode.value, ErrorDomain.qemu);
        await write(numaTunables, params, without.cpuset)(change);
      });
    },
    domainGetPerfEvents: ({ dom, flags }) => {
      check(flags, all | strings, "qemuDomainGetPerfEvents");
      return { params: readAll(perfTunables, soleTarget(find(dom), flags).definition.root) };
    },
    domainSetPerfEvents: ({ dom, params, flags }, context) => {
      check(flags, all, "qemuDomainSetPerfEvents");
      checkParams(params, typesOf(perfTunables));
      return set(find(dom), flags, context, async (change) => {
        const wanted = params.find(({ value }) => value.value === true);
        if (change.run !== undefined && wanted !== undefined) throw noCounter(wanted.field);
        await change.editAll((root) => writeAll(perfTunables, root, params));
      });
    },
    domainGetInterfaceParameters: ({ dom, device, nparams, flags }) => {
      check(flags, all | strings, "qemuDomainGetInterfaceParameters");
      const domain = find(dom);
      const place = (): Element => interfaceNamed(soleTarget(domain, flags).definition, device);
      return counted(interfaceTunables, place, nparams, flags);
    },
    domainSetInterfaceParameters: ({ dom, device, params, flags }, context) => {
      check(flags, all, "qemuDomainSetInterfaceParameters");
      checkParams(params, typesOf(interfaceTunables));
      return set(find(dom), flags, context, async (change) => {
        const { live, config } = change.targets;
        for (const each of [live, config]) if (each !== undefined) checkBandwidth(interfaceNamed(each, device));
        if (live !== undefined) throw noBandwidth(interfaceNamed(live, device));
        await change.keep((root) => {
          const own = root.first("devices")?.all("interface") ?? [];
          const place = own.find((each) => isNamed(each, device));
          if (place !== undefined) writeAll(interfaceTunables, place, params);
        });
      });
    },
  };
}

function isNamed(each: Element, device: string): boolean {
  return each.first("target")?.attribute("dev") === device || each.first("mac")?.attribute("address") === device;
}

function checkSwapLimit(root: Element, params: readonly TypedParam[]): void {
  const limit = (field: string): bigint => {
    const given =
      params.find((each) => each.field === field)?.value ??
      readAll(memoryTunables, root).find((each) => each.field === field)?.value;
    return BigInt((given?.value as bigint | undefined) ?? 0n);
  };
  const touched = params.some(({ field }) => field === "hard_limit" || field === "swap_hard_limit");
  if (!touched || limit("hard_limit") <= limit("swap_hard_limit")) return;
  const detail = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit";
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

const limitedTypes = ["ethernet", "network", "bridge", "direct"];

function checkBandwidth(device: Element): void {
  const type = device.attribute("type") ?? "";
  if (limitedTypes.includes(type)) return;
  const detail = `setting bandwidth on interfaces of type '${type}' is not implemented yet`;
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}

/** As where the host's CPU counts nothing for others. */
function noCounter(field: string): VirError {
  const detail = `unable to open host cpu perf event for ${field}: No such file or directory`;
  return VirError.system(ErrorDomain.perf, 2, detail);
}

function noBandwidth(device: Element): VirError {
  const detail = `bandwidth of an interface of type '${device.attribute("type") ?? ""}' cannot be changed while it is in use: change it with --config`;
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}
