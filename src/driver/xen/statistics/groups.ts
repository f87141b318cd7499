import type { DomainInfo } from "../../../libxl/index.ts";
import type { Domain } from "../../../model/index.ts";
import type { TypedParam } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { HostFiles } from "../../host-files.ts";
import { devicesOf, sourceOf, targetOf } from "../../qemu/devices-of.ts";
import { interfaceGroup } from "../../qemu/statistics/interface-group.ts";
import { param } from "../../qemu/statistics/subject.ts";
import type { Guests } from "../guests.ts";
import { vcpuState, vcpusOf } from "../vcpus.ts";
import { type BlockCounters, blockCounters } from "./block-counters.ts";

/** A domain of which statistics are made. */
export interface Subject {
  readonly domain: Domain;
  /** As Xen has it; undefined: it does not run. */
  readonly info: DomainInfo | undefined;
  readonly guests: Guests;
  readonly files: HostFiles;
}

type Group = (subject: Subject) => Promise<TypedParam[]>;

/** virDomainStatsTypes, in libvirt's order. */
const groups: readonly (readonly [bit: number, make: Group])[] = [
  [1, stateGroup],
  [2, cpuGroup],
  [4, balloonGroup],
  [8, vcpuGroup],
  [16, networkGroup],
  [32, blockGroup],
];

export const knownGroups = groups.reduce((bits, [bit]) => bits | bit, 0);

/** Those that `wanted` names; 0: all. What nobody counts, or what has ended meanwhile, is left out. */
export async function statisticsOf(subject: Subject, wanted: number): Promise<TypedParam[]> {
  const chosen = groups.filter(([bit]) => wanted === 0 || (wanted & bit) !== 0);
  return (await Promise.all(chosen.map(([, make]) => make(subject)))).flat();
}

async function stateGroup({ domain }: Subject): Promise<TypedParam[]> {
  const { state, reason } = domain.status;
  return [param.int("state.state", state), param.int("state.reason", reason)];
}

async function cpuGroup({ info }: Subject): Promise<TypedParam[]> {
  return info === undefined ? [] : [param.ullong("cpu.time", info.cpuTimeNs)];
}

async function balloonGroup({ domain: { definition }, info }: Subject): Promise<TypedParam[]> {
  const current = info?.currentMemoryKib ?? BigInt(definition?.currentMemoryKib ?? 0);
  return [
    param.ullong("balloon.current", current),
    param.ullong("balloon.maximum", BigInt(definition?.memoryKib ?? 0)),
  ];
}

async function vcpuGroup({ domain, info, guests }: Subject): Promise<TypedParam[]> {
  const { definition } = domain;
  const params = [
    param.uint("vcpu.current", info?.onlineVcpus ?? definition?.vcpus ?? 0),
    param.uint("vcpu.maximum", definition?.maxVcpus ?? 0),
  ];
  if (info === undefined) return params;
  const vcpus = await vcpusOf(guests, domain).catch(() => []);
  for (const vcpu of vcpus) {
    if (!vcpu.online) continue;
    params.push(
      param.int(`vcpu.${vcpu.number}.state`, vcpuState(vcpu)),
      param.ullong(`vcpu.${vcpu.number}.time`, vcpu.cpuTimeNs),
    );
  }
  return params;
}

async function networkGroup({ domain: { definition }, info, files }: Subject): Promise<TypedParam[]> {
  if (info === undefined || definition === undefined) return [];
  return interfaceGroup(devicesOf(definition, "interface"), files);
}

async function blockGroup({ domain: { definition }, info, files }: Subject): Promise<TypedParam[]> {
  const disks = definition === undefined ? [] : devicesOf(definition, "disk");
  const rows = disks.map(async (disk, at) => {
    const counters = info && (await blockCounters(files, info.domid, disk).catch(() => undefined));
    return blockParams(`block.${at}`, disk, counters);
  });
  return [param.uint("block.count", disks.length), ...(await Promise.all(rows)).flat()];
}

function blockParams(prefix: string, disk: Element, counters: BlockCounters | undefined): TypedParam[] {
  const path = sourceOf(disk);
  const params = [param.string(`${prefix}.name`, targetOf(disk))];
  if (path !== undefined) params.push(param.string(`${prefix}.path`, path));
  if (counters === undefined) return params;
  return [
    ...params,
    param.ullong(`${prefix}.rd.reqs`, counters.rdReqs),
    param.ullong(`${prefix}.rd.bytes`, counters.rdBytes),
    param.ullong(`${prefix}.wr.reqs`, counters.wrReqs),
    param.ullong(`${prefix}.wr.bytes`, counters.wrBytes),
    param.ullong(`${prefix}.fl.reqs`, counters.flReqs),
  ];
}
