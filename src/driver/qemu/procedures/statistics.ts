import type { Definition, Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import { Element } from "../../../xml/index.ts";
import { selectDomains, unmarked } from "../../domain-filter.ts";
import type { DriverProcedures } from "../../driver.ts";
import { inTurn } from "../../in-turn.ts";
import { devicesOf, findDisk, hasBalloon, interfaceNamed, targetOf } from "../devices-of.ts";
import { invalid, notRunning, toVirError } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { modify } from "../modification.ts";
import type { Observations } from "../observation.ts";
import type { Run } from "../run.ts";
import { answerOf, type BlockAnswer, type BlockCounters, countersOf, sumOf } from "../statistics/block-counters.ts";
import { knownGroups, statisticsOf } from "../statistics/groups.ts";
import { hostNameOf, interfaceCounters, noHostInterface } from "../statistics/interface-counters.ts";
import { balloonName, memoryCounters } from "../statistics/memory-counters.ts";
import { param, Subject } from "../statistics/subject.ts";
import { affect, check, has, patienceOf } from "./asked.ts";

/** Flags of the call for all: which domains, not to wait (nobody does), with backing images, and whether all groups must be known. */
const bulk = { selection: 0xff, noWait: 0x2000_0000, backing: 0x4000_0000, enforce: 0x8000_0000 };
const strings = 4;

/** Counters of domains; one that is stuck keeps nobody waiting. */
export function statisticsProcedures(guests: Guests, observations: Observations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const running = (domain: Domain): { run: Run; definition: Definition } => {
    const run = guests.runOf(domain);
    const { definition } = domain;
    if (run === undefined || definition === undefined) throw notRunning();
    return { run, definition };
  };
  const blockCounters = async (domain: Domain, path: string): Promise<BlockCounters> => {
    const { run, definition } = running(domain);
    const disks = path === "" ? devicesOf(definition, "disk") : [diskOf(definition, path)];
    const { value } = await asked(observations.ask<readonly BlockAnswer[]>(run, "query-blockstats"));
    return sumOf(
      disks.flatMap((disk) => {
        const answer = answerOf(value, disk);
        return answer === undefined ? [] : [countersOf(answer)];
      }),
    );
  };
  return {
    connectGetAllDomainStats: async ({ doms, stats, flags }) => {
      check(flags, bulk.selection | bulk.noWait | bulk.backing | bulk.enforce, "qemuConnectGetAllDomainStats");
      if (has(flags, bulk.enforce) && (stats & ~knownGroups) !== 0) throw unknownGroups(stats & ~knownGroups);
      const candidates = doms.length > 0 ? present(guests, doms) : guests.domains;
      const chosen = selectDomains(candidates, flags & bulk.selection, unmarked);
      const rows = await inTurn(chosen, async (domain) => {
        const { definition } = domain;
        if (definition === undefined) return undefined;
        const subject = new Subject(domain, definition, guests.runOf(domain), observations);
        return { dom: domain.reference, params: await statisticsOf(subject, stats, has(flags, bulk.backing)) };
      });
      return { retStats: rows.filter((row) => row !== undefined) };
    },
    domainBlockStats: async ({ dom, path }) => {
      const { rdReqs, rdBytes, wrReqs, wrBytes } = await blockCounters(find(dom), path);
      return { rdReq: rdReqs, rdBytes, wrReq: wrReqs, wrBytes, errs: -1n };
    },
    domainBlockStatsFlags: async ({ dom, path, nparams, flags }) => {
      check(flags, strings, "qemuDomainBlockStatsFlags");
      const domain = find(dom);
      const counters = await blockCounters(domain, path);
      const hasDisks =
        path !== "" || domain.definition === undefined || devicesOf(domain.definition, "disk").length > 0;
      const params = hasDisks ? blockParams(counters) : [];
      return nparams === 0 ? { params: [], nparams: params.length } : { params: params.slice(0, nparams), nparams: 0 };
    },
    domainInterfaceStats: async ({ dom, device }) => {
      const { definition } = running(find(dom));
      const found = interfaceNamed(definition, device);
      const counters = await interfaceCounters(found);
      if (counters !== undefined) return { ...counters };
      throw hostNameOf(found) === undefined ? noHostInterface() : gone(device);
    },
    domainMemoryStats: async ({ dom, maxStats, flags }) => {
      check(flags, 0, "qemuDomainMemoryStats");
      const { run, definition } = running(find(dom));
      const { value } = await asked(memoryCounters(observations, run, definition));
      return { stats: value.slice(0, maxStats).map(({ tag, value: val }) => ({ tag, val })) };
    },
    domainSetMemoryStatsPeriod: ({ dom, period, flags }, context) => {
      check(flags, affect.live | affect.config, "qemuDomainSetMemoryStatsPeriod");
      return modify(guests, find(dom), flags, "balloon statistics", patienceOf(context), async (change) => {
        const { live, config } = change.targets;
        for (const each of [live, config]) if (each !== undefined && !hasBalloon(each)) throw noBalloon();
        if (change.run !== undefined && live !== undefined) {
          const path = `/machine/peripheral/${balloonName(live)}`;
          const args = { path, property: "guest-stats-polling-interval", value: period };
          await change.run.execute("qom-set", args, change.timeoutMs);
        }
        await change.editAll((root) => setPeriod(root, period));
      });
    },
    domainGetDiskErrors: async ({ dom, maxerrors, flags }) => {
      check(flags, 0, "qemuDomainGetDiskErrors");
      const { run, definition } = running(find(dom));
      const disks = devicesOf(definition, "disk");
      if (maxerrors === 0) return { errors: [], nerrors: disks.length };
      const { value } = await asked(observations.ask<readonly JsonObject[]>(run, "query-block"));
      const errors = disks.flatMap((disk) => {
        const answer = answerOf(value as unknown as readonly BlockAnswer[], disk) as unknown as JsonObject | undefined;
        const error = errorNumbers[String(answer?.["io-status"])];
        return error === undefined ? [] : [{ disk: targetOf(disk), error }];
      });
      return { errors: errors.slice(0, maxerrors), nerrors: errors.length };
    },
    domainGetCpuStats: ({ dom, flags }) => {
      check(flags, strings, "qemuDomainGetCPUStats");
      running(find(dom));
      throw invalid("cgroup CPUACCT controller is not mounted");
    },
    domainStartDirtyRateCalc: ({ dom, seconds, flags }, context) => {
      check(flags, 7, "qemuDomainStartDirtyRateCalc");
      if (seconds < 1 || seconds > 60) throw wrongPeriod(seconds);
      const mode = ["page-sampling", "dirty-bitmap", "dirty-ring"][flags === 0 ? 0 : Math.log2(flags)];
      return guests.onRun(find(dom), "dirty rate", patienceOf(context), async (run, timeoutMs) => {
        await run.execute("calc-dirty-rate", { "calc-time": seconds, ...(mode && { mode }) }, timeoutMs);
      });
    },
  };
}

/** virDomainDiskErrorCode */
const errorNumbers: Readonly<Record<string, number>> = { failed: 1, nospace: 2 };

/** In libvirt's order. */
function blockParams(counters: BlockCounters): TypedParam[] {
  return [
    param.llong("wr_bytes", counters.wrBytes),
    param.llong("wr_operations", counters.wrReqs),
    param.llong("rd_bytes", counters.rdBytes),
    param.llong("rd_operations", counters.rdReqs),
    param.llong("flush_operations", counters.flReqs),
    param.llong("wr_total_times", counters.wrTimes),
    param.llong("rd_total_times", counters.rdTimes),
    param.llong("flush_total_times", counters.flTimes),
  ];
}

/** Those that there are, each once. */
function present(guests: Guests, doms: readonly WireDomain[]): Domain[] {
  const wanted = new Set(doms.map(({ uuid }) => uuid));
  return Array.from(guests.domains).filter(({ uuid }) => wanted.has(uuid));
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toVirError(error);
  }
}

function diskOf(definition: Definition, path: string): Element {
  const disk = findDisk(definition, path);
  if (disk !== undefined) return disk;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, `invalid path: ${path}`);
}

function setPeriod(root: Element, period: number): void {
  const balloon = root.find("devices", "memballoon");
  if (balloon === undefined) return;
  const stats = balloon.first("stats");
  const text = String(period);
  if (stats !== undefined) stats.setAttribute("period", text);
  else balloon.insertAfter([], new Element("stats", { period: text }));
}

function unknownGroups(bits: number): VirError {
  const detail = `Stats types bits 0x${(bits >>> 0).toString(16)} are not supported by this daemon or QEMU`;
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, detail);
}

function noBalloon(): VirError {
  const detail = "No memory balloon device configured, can not set the collection period";
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}

function gone(device: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.none, `/proc/net/dev: Interface not found: ${device}`);
}

function wrongPeriod(seconds: number): VirError {
  const detail = `seconds=${seconds} is invalid, please choose value within [1, 60].`;
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}
