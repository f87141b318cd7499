import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { selectDomains, unmarked } from "../../domain-filter.ts";
import type { DriverProcedures } from "../../driver.ts";
import { HostFiles } from "../../host-files.ts";
import { inTurn } from "../../in-turn.ts";
import { devicesOf, findDisk, interfaceNamed } from "../../qemu/devices-of.ts";
import { hostNameOf, interfaceCounters, noHostInterface } from "../../qemu/statistics/interface-counters.ts";
import { param } from "../../qemu/statistics/subject.ts";
import { invalid, notRunning } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { type BlockCounters, blockCounters, sumOf } from "../statistics/block-counters.ts";
import { knownGroups, statisticsOf } from "../statistics/groups.ts";
import { vcpusOf } from "../vcpus.ts";
import { check, has } from "./asked.ts";

/** Which domains, not to wait (nobody does), and whether all groups must be known. */
const bulk = { selection: 0xff, noWait: 0x2000_0000, enforce: 0x8000_0000 };
const strings = 4;
const blockParameters = 6;

/** Counters of domains, by Xen and by domain 0's kernel, whose files are read without holding anybody up. */
export function statisticsProcedures(guests: Guests, files = new HostFiles()): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const sumOfDisks = async (domain: Domain, path: string): Promise<BlockCounters> => {
    const { id, definition } = running(domain);
    const disks = path === "" ? devicesOf(definition, "disk") : [diskNamed(definition, path)];
    const counters: BlockCounters[] = [];
    // In turn: what is refused is the first that nobody counts.
    for (const disk of disks) counters.push(await blockCounters(files, id, disk));
    return sumOf(counters);
  };
  return {
    domainBlockStats: async ({ dom, path }) => {
      const { rdReqs, rdBytes, wrReqs, wrBytes, errs } = await sumOfDisks(find(dom), path);
      return { rdReq: rdReqs, rdBytes, wrReq: wrReqs, wrBytes, errs };
    },
    domainBlockStatsFlags: async ({ dom, path, nparams, flags }) => {
      check(flags, strings, "libxlDomainBlockStatsFlags");
      const domain = find(dom);
      running(domain);
      if (nparams === 0) return { params: [], nparams: blockParameters };
      const { rdReqs, rdBytes, wrReqs, wrBytes, flReqs, errs } = await sumOfDisks(domain, path);
      const params = [
        param.llong("wr_bytes", wrBytes),
        param.llong("wr_operations", wrReqs),
        param.llong("rd_bytes", rdBytes),
        param.llong("rd_operations", rdReqs),
        param.llong("flush_operations", flReqs),
        param.llong("errs", errs),
      ];
      return { params: params.slice(0, nparams), nparams: 0 };
    },
    domainInterfaceStats: async ({ dom, device }) => {
      const found = interfaceNamed(running(find(dom)).definition, device);
      const counters = await interfaceCounters(found, files);
      if (counters !== undefined) return { ...counters };
      throw hostNameOf(found) === undefined ? noHostInterface() : noSuchInterface(device);
    },
    domainGetCpuStats: async ({ dom, nparams, startCpu, ncpus, flags }) => {
      check(flags, strings, "libxlDomainGetCPUStats");
      const domain = find(dom);
      const { definition } = running(domain);
      if (nparams === 0) return { params: [], nparams: ncpus === 0 ? definition.maxVcpus : 1 };
      if (startCpu !== -1) {
        const vcpus = (await vcpusOf(guests, domain)).slice(startCpu, startCpu + ncpus);
        return { params: vcpus.map(({ cpuTimeNs }) => param.ullong("cpu_time", cpuTimeNs)), nparams: 1 };
      }
      const info = await guests.lookAt(domain);
      if (info === undefined) throw notRunning();
      return { params: [param.ullong("cpu_time", info.cpuTimeNs)], nparams: 1 };
    },
    connectGetAllDomainStats: async ({ doms, stats, flags }) => {
      check(flags, bulk.selection | bulk.noWait | bulk.enforce, "libxlConnectGetAllDomainStats");
      if (has(flags, bulk.enforce) && has(stats, ~knownGroups)) throw unknownGroups(stats & ~knownGroups);
      const given = doms.flatMap(({ uuid }) => Array.from(guests.domains).filter((domain) => domain.uuid === uuid));
      const chosen = selectDomains(doms.length > 0 ? given : guests.domains, flags & bulk.selection, unmarked);
      // One look for all of them.
      const infos = new Map((await guests.xen.domains()).map((info) => [info.uuid, info]));
      const retStats = await inTurn(chosen, async (domain) => {
        const found = infos.get(domain.uuid);
        const info = found?.domid === domain.id ? found : undefined;
        return { dom: domain.reference, params: await statisticsOf({ domain, info, guests, files }, stats) };
      });
      return { retStats };
    },
  };
}

function running({ incarnation, definition, id }: Domain): { id: number; definition: Definition } {
  if (incarnation === undefined || definition === undefined) throw notRunning();
  return { id, definition };
}

function diskNamed(definition: Definition, path: string): Element {
  const disk = findDisk(definition, path);
  if (disk === undefined) throw invalid(`invalid path: ${path}`);
  return disk;
}

function noSuchInterface(device: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.none, `/proc/net/dev: Interface not found: ${device}`);
}

function unknownGroups(bits: number): VirError {
  const detail = `Stats types bits 0x${(bits >>> 0).toString(16)} are not supported by this daemon or Xen`;
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.libxl, detail);
}
