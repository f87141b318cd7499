import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  type TypedValue,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import {
  blockTunables,
  interfaceTunables,
  memoryTunables,
  numaTunables,
  perfTunables,
  type Tunable,
  weightTunables,
} from "./tunables.ts";

/** VIR_TYPED_PARAM_STRING_OKAY. */
const strings = 4;
const all = affect.live | affect.config;

/** Limits and shares, which are only written down. */
export function tuningProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = ({ uuid }: WireDomain): Guest => hypervisor.byUuid(uuid);
  return {
    domainGetMemoryParameters: ({ dom, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetMemoryParameters");
      return counted(memoryTunables, find(dom).target(flags).root, nparams);
    },
    domainSetMemoryParameters: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetMemoryParameters");
      set(find(dom), flags, memoryTunables, params, (root) => root);
    },
    domainGetBlkioParameters: ({ dom, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetBlkioParameters");
      return counted(weightTunables, find(dom).target(flags).root, nparams);
    },
    domainSetBlkioParameters: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetBlkioParameters");
      set(find(dom), flags, weightTunables, params, (root) => root);
    },
    domainGetNumaParameters: ({ dom, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetNumaParameters");
      return counted(numaTunables, find(dom).target(flags).root, nparams);
    },
    domainSetNumaParameters: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetNumaParameters");
      set(find(dom), flags, numaTunables, params, (root) => root, checkNuma);
    },
    domainGetPerfEvents: ({ dom, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetPerfEvents");
      return { params: read(perfTunables, find(dom).target(flags).root) };
    },
    domainSetPerfEvents: ({ dom, params, flags }) => {
      checkFlags(flags, all, "testDomainSetPerfEvents");
      set(find(dom), flags, perfTunables, params, (root) => root);
    },
    domainGetInterfaceParameters: ({ dom, device, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetInterfaceParameters");
      const { root } = find(dom).target(flags);
      // How many there are does not depend on the interface.
      return counted(interfaceTunables, nparams === 0 ? root : interfaceIn(root, device), nparams);
    },
    domainSetInterfaceParameters: ({ dom, device, params, flags }) => {
      checkFlags(flags, all, "testDomainSetInterfaceParameters");
      set(find(dom), flags, interfaceTunables, params, (root) => interfaceIn(root, device));
    },
    domainGetBlockIoTune: ({ dom, disk, nparams, flags }) => {
      checkFlags(flags, all | strings, "testDomainGetBlockIoTune");
      const { root } = find(dom).target(flags);
      return counted(blockTunables, disk === null ? root : diskIn(root, disk), nparams);
    },
  };
}

/** Asked for none, it says how many there are. */
function counted(tunables: readonly Tunable[], element: Element, nparams: number) {
  return { params: nparams === 0 ? [] : read(tunables, element).slice(0, nparams), nparams: tunables.length };
}

function read(tunables: readonly Tunable[], element: Element): TypedParam[] {
  return tunables.map(({ field, read }) => ({ field, value: read(element) }));
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
  const changes = params.map(({ field, value }) => ({ write: writerOf(tunables, field, value), value }));
  guest.edit(flags, (root) => {
    for (const { write, value } of changes) write(place(root), value);
    check(root);
  });
}

function checkNuma(root: Element): void {
  if (root.find("numatune", "memory")?.attribute("nodeset") !== undefined) return;
  const detail = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'";
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}

/** How that parameter is set. */
function writerOf(tunables: readonly Tunable[], field: string, { type }: TypedValue): NonNullable<Tunable["write"]> {
  const tunable = tunables.find((each) => each.field === field);
  if (tunable?.write === undefined) {
    throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.none, `parameter '${field}' not supported`);
  }
  const expected = tunable.read(new Element("domain")).type;
  if (type === expected) return tunable.write;
  const detail = `invalid type '${type}' for parameter '${field}', expected '${expected}'`;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail);
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
  const disks = root.first("devices")?.all("disk") ?? [];
  const found = disks.find(
    (each) => each.first("target")?.attribute("dev") === name || each.first("source")?.attribute("file") === name,
  );
  if (found !== undefined) return found;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.test, `disk '${name}' was not found in the domain config`);
}
