import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, type TypedParam, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { formatCpuList, parseCpuList } from "../tuning/cpu-list.ts";
import { cpusIn, defaultCpus, tuneOf } from "../tuning/cpu-map.ts";
import { ioThreadIds, setIoThreadIds } from "../tuning/io-thread-list.ts";
import { checkParams } from "../tuning/tunables.ts";
import { checkFlags, invalidArgument } from "./failure.ts";
import { affect, type Guest, type IoThreadPolling } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

const either = affect.live | affect.config;
/** What can be set of a thread, and of which type it is. */
const settings = { poll_max_ns: "ullong", poll_grow: "uint", poll_shrink: "uint" } as const;

/** Threads that serve disks, which a domain has by their numbers alone. */
export function ioThreadProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetIothreadInfo: ({ dom, flags }) => {
      checkFlags(flags, either, "testDomainGetIOThreadInfo");
      const definition = find(dom).target(flags);
      const info = ioThreadIds(definition.root).map((iothreadId) => ({
        iothreadId,
        cpumap: shortMap(pinOf(definition, iothreadId)),
      }));
      return { info, ret: info.length };
    },
    domainAddIothread: ({ dom, iothreadId, flags }) => {
      checkFlags(flags, either, "testDomainAddIOThread");
      checkNumber(iothreadId);
      const guest = find(dom);
      const ids = ioThreadIds(guest.soleTarget(flags).root);
      if (ids.includes(iothreadId)) throw unknown(`an IOThread is already using iothread_id '${iothreadId}'`);
      guest.edit(flags, (root) => setIoThreadIds(root, [...ids, iothreadId]));
      guest.polling.push({ id: iothreadId, maxNs: 32_768n, grow: 0, shrink: 0 });
    },
    domainDelIothread: ({ dom, iothreadId, flags }) => {
      checkFlags(flags, either, "testDomainDelIOThread");
      const guest = find(dom);
      const definition = guest.soleTarget(flags);
      checkUnused(definition, iothreadId);
      guest.edit(flags, (root) => removeThread(root, iothreadId));
      const index = guest.polling.findIndex(({ id }) => id === iothreadId);
      if (index >= 0) guest.polling.splice(index, 1);
    },
    domainPinIothread: ({ dom, iothreadsId, cpumap, flags }) => {
      checkFlags(flags, either, "testDomainPinIOThread");
      const guest = find(dom);
      const definition = guest.soleTarget(flags);
      const cpus = cpusIn(cpumap);
      if (cpus.length === 0) throw invalidArgument("Empty iothread cpumap list for pinning");
      const ids = ioThreadIds(definition.root);
      if (!ids.includes(iothreadsId)) throw invalidArgument(`iothreadid ${iothreadsId} not found`);
      guest.edit(flags, (root) => pin(root, ids, iothreadsId, cpus));
    },
    domainSetIothreadParams: ({ dom, iothreadId, params, flags }) => {
      checkFlags(flags, affect.live, "testDomainSetIOThreadParams");
      checkNumber(iothreadId);
      const guest = find(dom);
      const { root } = guest.soleTarget(flags);
      if (!ioThreadIds(root).includes(iothreadId)) {
        throw invalidArgument(`cannot find IOThread '${iothreadId}' in iothreadids`);
      }
      checkParams(params, settings);
      setPolling(guest, iothreadId, params);
    },
  };
}

/** Of every thread that was added while the daemon ran; a domain that does not run has none to count. */
export function ioThreadStatistics({ isActive, polling }: Guest): TypedParam[] {
  if (!isActive || polling.length === 0) return [];
  return [
    { field: "iothread.count", value: { type: "uint", value: polling.length } },
    ...polling.flatMap(({ id, maxNs, grow, shrink }): TypedParam[] => [
      { field: `iothread.${id}.poll-max-ns`, value: { type: "ullong", value: maxNs } },
      { field: `iothread.${id}.poll-grow`, value: { type: "uint", value: grow } },
      { field: `iothread.${id}.poll-shrink`, value: { type: "uint", value: shrink } },
    ]),
  ];
}

function setPolling({ polling }: Guest, iothreadId: number, params: readonly TypedParam[]): void {
  const thread = polling.find(({ id }) => id === iothreadId);
  if (thread === undefined) throw unsaid();
  for (const { field, value } of params) apply(thread, field, value.value);
}

function apply(thread: IoThreadPolling, field: string, value: unknown): void {
  if (field === "poll_max_ns") thread.maxNs = value as bigint;
  else if (field === "poll_grow") thread.grow = value as number;
  else thread.shrink = value as number;
}

function removeThread(root: Element, iothreadId: number): void {
  setIoThreadIds(
    root,
    ioThreadIds(root).filter((id) => id !== iothreadId),
  );
  const tune = tuneOf(root);
  const pinned = pinIn(tune, iothreadId);
  if (pinned !== undefined) tune.children.splice(tune.children.indexOf(pinned), 1);
  if (tune.elements().length === 0) root.children.splice(root.children.indexOf(tune), 1);
}

function pin(root: Element, ids: readonly number[], iothreadId: number, cpus: readonly number[]): void {
  setIoThreadIds(root, ids);
  const tune = tuneOf(root);
  const others = tune.all("iothreadpin").filter((each) => each !== pinIn(tune, iothreadId));
  const own = new Element("iothreadpin", { iothread: String(iothreadId), cpuset: formatCpuList(cpus) });
  const rank = (each: Element): number => ids.indexOf(Number(each.attribute("iothread")));
  const pins = [...others, own].sort((one, other) => rank(one) - rank(other));
  const rest = tune.children.filter((node) => node.kind !== "element" || node.name !== "iothreadpin");
  tune.children.splice(0, tune.children.length, ...rest, ...pins);
}

function pinIn(tune: Element, iothreadId: number): Element | undefined {
  return tune.all("iothreadpin").find((each) => each.attribute("iothread") === String(iothreadId));
}

/** Without a place of its own it has that of the domain, or as many CPUs as the domain has. */
function pinOf(definition: Definition, iothreadId: number): readonly number[] {
  const { root, vcpus } = definition;
  const tune = root.first("cputune");
  const set = tune === undefined ? undefined : pinIn(tune, iothreadId)?.attribute("cpuset");
  if (set !== undefined) return parseCpuList(set);
  return defaultCpus(root) ?? Array.from({ length: vcpus }, (_, cpu) => cpu);
}

/** As long as the highest CPU needs. */
function shortMap(cpus: readonly number[]): Uint8Array {
  const map = new Uint8Array(((cpus.at(-1) ?? -1) >> 3) + 1);
  for (const cpu of cpus) map[cpu >> 3] = (map[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return map;
}

function checkNumber(iothreadId: number): void {
  if (iothreadId === 0) throw invalidArgument("invalid value of 0 for iothread_id");
}

function checkUnused({ root }: Definition, iothreadId: number): void {
  if (!ioThreadIds(root).includes(iothreadId)) {
    throw unknown(`cannot find IOThread '${iothreadId}' in iothreadids list`);
  }
  const disk = root
    .first("devices")
    ?.all("disk")
    .find((each) => each.first("driver")?.attribute("iothread") === String(iothreadId));
  if (disk === undefined) return;
  const target = disk.first("target")?.attribute("dev");
  throw unknown(`cannot remove IOThread ${iothreadId} since it is being used by disk '${target}'`);
}

function unknown(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, detail);
}

/** libvirt's own fails without saying why for a thread that the definition has from its beginning. */
function unsaid(): VirError {
  const message = "An error occurred, but the cause is unknown";
  return new VirError(message, { code: ErrorCode.internalError, domain: ErrorDomain.none, int1: 0, int2: 0 });
}
