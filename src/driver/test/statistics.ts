import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, type TypedParam, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, has, internal, invalidArgument } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { ioThreadStatistics } from "./io-threads.ts";
import { selectGuests } from "./lookup.ts";

/** virDomainStatsTypes that there are, and a flag of the call. */
const stateGroup = 1;
const ioThreadGroup = 128;
const groups = stateGroup | ioThreadGroup;
const enforce = 0x8000_0000;
/** Not to wait for a guest that is busy: nobody here is. */
const noWait = 0x2000_0000;
/** That it takes whatever is at hand, and which domains. */
const selection = 0x4000_00ff;
/** virDomainMemoryStatTags, in the order in which libvirt's test hypervisor tells them. */
const memoryTags = {
  actual: 6,
  swapIn: 0,
  swapOut: 1,
  majorFault: 2,
  minorFault: 3,
  unused: 4,
  available: 5,
  usable: 8,
  lastUpdate: 9,
  diskCaches: 10,
  hugePagesAllocated: 11,
  hugePagesFailed: 12,
  rss: 7,
};

/** Counters, made up from the clock. */
export function statisticsProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    connectGetAllDomainStats: ({ doms, stats, flags }) => {
      checkFlags(flags, selection | noWait | enforce, "testConnectGetAllDomainStats");
      if (has(flags, enforce) && (stats & ~groups) !== 0) throw unsupportedGroups(stats & ~groups);
      const chosen = doms.length > 0 ? hypervisor.known(doms) : hypervisor.guests;
      const guests = selectGuests(chosen, flags & 0xff);
      return { retStats: guests.map((guest) => new StatsRow(guest, stats)) };
    },
    domainGetBlockInfo: ({ dom, path, flags }) => {
      checkFlags(flags, 0, "testDomainGetBlockInfo");
      if (!hasDisk(find(dom).definition, path)) throw invalidArgument(`invalid path ${path} not assigned to domain`);
      return { allocation: 1_099_511_627_776n, capacity: 1_099_506_450_432n, physical: 1_099_511_627_776n };
    },
    domainBlockStats: ({ dom, path }) => {
      const guest = find(dom);
      if (path === "") {
        const detail = "summary statistics are not supported yet";
        throw VirError.of(ErrorCode.operationUnsupported, ErrorDomain.test, detail);
      }
      guest.checkActive();
      if (!hasDisk(guest.definition, path)) throw invalidArgument(`invalid path: ${path}`);
      const { micros, seconds } = ticks(hypervisor);
      return {
        rdReq: micros / 10n,
        rdBytes: micros / 20n,
        wrReq: micros / 30n,
        wrBytes: micros / 40n,
        errs: seconds / 2n,
      };
    },
    domainInterfaceStats: ({ dom, device }) => {
      const guest = find(dom);
      guest.checkActive();
      if (!interfaceNames(guest.definition.root).includes(device)) {
        throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `'${device}' is not a known interface`);
      }
      const { micros, seconds } = ticks(hypervisor);
      return {
        rxBytes: micros / 10n,
        rxPackets: micros / 100n,
        rxErrs: seconds,
        rxDrop: seconds / 2n,
        txBytes: micros / 20n,
        txPackets: micros / 110n,
        txErrs: seconds / 3n,
        txDrop: seconds / 4n,
      };
    },
    domainGetDiskErrors: ({ dom, maxerrors, flags }) => {
      checkFlags(flags, 0, "testDomainGetDiskErrors");
      const guest = find(dom);
      guest.checkActive();
      const { disks } = guest.definition;
      const errors = disks.slice(0, maxerrors).map(({ target }, index) => ({ disk: target, error: (index % 2) + 1 }));
      return { errors, nerrors: maxerrors === 0 ? disks.length : errors.length };
    },
    domainMemoryStats: ({ dom, maxStats, flags }) => {
      checkFlags(flags, 0, "testDomainMemoryStats");
      const guest = find(dom);
      guest.checkActive();
      return { stats: hasBalloon(guest.definition) ? memoryOf(guest.definition).slice(0, maxStats) : [] };
    },
    domainSetMemoryStatsPeriod: ({ dom, flags }) => {
      checkFlags(flags, affect.live | affect.config, "testDomainSetMemoryStatsPeriod");
      if (!hasBalloon(find(dom).soleTarget(flags))) {
        throw internal("No memory balloon device configured, can not set the collection period");
      }
    },
  };
}

/** Made when it is written: the rows of many domains together would be a lot of work and memory at once. */
class StatsRow {
  readonly #guest: Guest;
  readonly #stats: number;

  constructor(guest: Guest, stats: number) {
    this.#guest = guest;
    this.#stats = stats;
  }

  get dom(): WireDomain {
    return this.#guest.reference;
  }

  get params(): TypedParam[] {
    return statsOf(this.#guest, this.#stats);
  }
}

/** Of the groups that `stats` names (virDomainStatsTypes), those that there are; 0: all. */
export function statsOf(guest: Guest, stats: number): TypedParam[] {
  const wanted = (group: number): boolean => stats === 0 || has(stats, group);
  return [...(wanted(stateGroup) ? stateOf(guest) : []), ...(wanted(ioThreadGroup) ? ioThreadStatistics(guest) : [])];
}

function stateOf({ status }: Guest): TypedParam[] {
  return [
    { field: "state.state", value: { type: "int", value: status.state } },
    { field: "state.reason", value: { type: "int", value: status.reason } },
  ];
}

function hasBalloon({ root }: Definition): boolean {
  const balloon = root.find("devices", "memballoon");
  return balloon !== undefined && balloon.attribute("model") !== "none";
}

function memoryOf({ currentMemoryKib }: Definition): { tag: number; val: bigint }[] {
  const all = BigInt(currentMemoryKib);
  const values: Readonly<Record<keyof typeof memoryTags, bigint>> = {
    actual: all,
    swapIn: 0n,
    swapOut: 0n,
    majorFault: 0n,
    minorFault: 0n,
    unused: all / 2n,
    available: all,
    usable: all / 2n,
    lastUpdate: 627_319_920n,
    diskCaches: all / 8n,
    hugePagesAllocated: 0n,
    hugePagesFailed: 0n,
    rss: all / 2n,
  };
  return Object.entries(memoryTags).map(([name, tag]) => ({ tag, val: values[name as keyof typeof memoryTags] }));
}

/** A disk may be named by its target or by its source. */
function hasDisk({ disks }: Definition, path: string): boolean {
  return disks.some(({ target, file }) => target === path || file === path);
}

function interfaceNames(root: Element): (string | undefined)[] {
  const interfaces = root.first("devices")?.all("interface") ?? [];
  return interfaces.flatMap((each) => [
    each.first("target")?.attribute("dev"),
    each.first("mac")?.attribute("address"),
  ]);
}

function ticks({ clock }: Hypervisor): { micros: bigint; seconds: bigint } {
  const now = BigInt(clock());
  return { micros: now * 1000n, seconds: now / 1000n };
}

function unsupportedGroups(bits: number): VirError {
  const detail = `Stats types bits 0x${(bits >>> 0).toString(16)} are not supported by this daemon`;
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.test, detail);
}
