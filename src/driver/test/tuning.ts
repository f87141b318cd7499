import { ErrorCode, ErrorDomain, type TypedParam, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkBlockLimits } from "../tuning/block-limits.ts";
import { counted, readAll, strings, typesOf, writeAll } from "../tuning/parameters.ts";
import {
  blockTunables,
  checkNumaModeNumber,
  checkParams,
  interfaceTunables,
  memoryTunables,
  numaTunables,
  perfTunables,
  type Tunable,
  weightTunables,
} from "../tuning/tunables.ts";
import { checkFlags, invalid } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

const all = affect.live | affect.config;

/** Limits and shares, which are only written down. */
export function tuningProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetMemoryParameters: ({ dom, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetMemoryParameters");
      return counted(memoryTunables, () => find(dom).target(flags).root, nparams, flags);
    },
    domainSetMemoryParameters: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetMemoryParameters");
      set(find(dom), flags, memoryTunables, params, (root) => root);
    },
    domainGetBlkioParameters: ({ dom, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetBlkioParameters");
      return counted(weightTunables, () => find(dom).target(flags).root, nparams, flags);
    },
    domainSetBlkioParameters: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetBlkioParameters");
      set(find(dom), flags, weightTunables, params, (root) => root);
    },
    domainGetNumaParameters: ({ dom, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetNumaParameters");
      return counted(numaTunables, () => find(dom).soleTarget(flags).root, nparams, flags);
    },
    domainSetNumaParameters: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetNumaParameters");
      const guest = find(dom);
      checkNumaMode(guest, flags, params);
      set(guest, flags, numaTunables, params, (root) => root, checkNuma);
    },
    domainGetPerfEvents: ({ dom, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetPerfEvents");
      return { params: readAll(perfTunables, find(dom).soleTarget(flags).root) };
    },
    domainSetPerfEvents: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetPerfEvents");
      set(find(dom), flags, perfTunables, params, (root) => root);
    },
    domainGetInterfaceParameters: ({ dom, device, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetInterfaceParameters");
      return counted(interfaceTunables, () => interfaceIn(find(dom).soleTarget(flags).root, device), nparams, flags);
    },
    domainSetInterfaceParameters: ({ dom, device, params, flags }) => {
      checkFlags(flags, all, "testDomainSetInterfaceParameters");
      set(find(dom), flags, interfaceTunables, params, (root) => interfaceIn(root, device));
    },
    domainGetBlockIoTune: ({ dom, disk, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetBlockIoTune");
      return counted(blockTunables, () => diskIn(find(dom).target(flags).root, disk ?? ""), nparams, flags);
    },
    domainSetBlockIoTune: ({ dom, disk, params, flags }) => {
      checkFlags(flags, all, "testDomainSetBlockIoTune");
      checkParams(params, typesOf(blockTunables));
      const guest = find(dom);
      checkBlockLimits(blockDiskIn(guest.soleTarget(flags).root, disk), params, ErrorDomain.test);
      set(guest, flags, blockTunables, params, (root) => blockDiskIn(root, disk));
    },
  };
}

/** Nothing is changed if one of them is not there or is of another type. */
function set(
  guest: Guest,
  flags: number,
  tunables: readonly Tunable[],
  params: readonly TypedParam[],
  place: (root: Element) => Element,
  check: (root: Element) => void = () => {},
): void {
  checkParams(params, typesOf(tunables));
  guest.soleTarget(flags);
  guest.edit(flags, (root) => {
    writeAll(tunables, place(root), params);
    check(root);
  });
}

function checkNumaMode(guest: Guest, flags: number, params: readonly TypedParam[]): void {
  checkParams(params, typesOf(numaTunables));
  guest.soleTarget(flags);
  const { live } = guest.targets(flags);
  const mode = numaTunables[0];
  const wanted = params.find(({ field }) => field === mode?.field);
  if (wanted !== undefined) checkNumaModeNumber(wanted.value, ErrorDomain.test);
  if (live === undefined || wanted === undefined) return;
  // Without a place that is what is wrong.
  if (live.root.find("numatune", "memory")?.attribute("nodeset") === undefined && params.length === 1) return;
  if (wanted.value.value !== mode?.read(live.root).value)
    throw invalid("can't change numatune mode for running domain");
}

function checkNuma(root: Element): void {
  if (root.find("numatune", "memory")?.attribute("nodeset") !== undefined) return;
  const detail = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'";
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}

function interfaceIn(root: Element, device: string): Element {
  const interfaces = root.first("devices")?.all("interface") ?? [];
  const found = interfaces.find(
    (each) => each.first("target")?.attribute("dev") === device || each.first("mac")?.attribute("address") === device,
  );
  if (found !== undefined) return found;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `'${device}' is not a known interface`);
}

function diskIn(root: Element, name: string): Element {
  const found = findDisk(root, name);
  if (found !== undefined) return found;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.test, `disk '${name}' was not found in the domain config`);
}

function blockDiskIn(root: Element, name: string): Element {
  const found = findDisk(root, name);
  if (found !== undefined) return found;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.test, `missing persistent configuration for disk '${name}'`);
}

/** By its target or its source. */
function findDisk(root: Element, name: string): Element | undefined {
  const disks = root.first("devices")?.all("disk") ?? [];
  return disks.find(
    (each) => each.first("target")?.attribute("dev") === name || each.first("source")?.attribute("file") === name,
  );
}
