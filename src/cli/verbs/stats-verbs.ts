import type { Connection, Domain } from "../../open/index.ts";
import { affected, affects, tell } from "./domain-act.ts";
import { jobInfo, jobInfoFlags } from "./job-info.ts";
import { findDomain, unlessUnsupported } from "./lookup.ts";
import { bytesText, tableText } from "./table.ts";
import { type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

/** virDomainStatsTypes, by virsh's options. */
const groups: Readonly<Record<string, number>> = {
  state: 1,
  "cpu-total": 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
  perf: 64,
  iothread: 128,
  memory: 256,
  dirtyrate: 512,
  vm: 1024,
};
/** virConnectGetAllDomainStatsFlags. */
const choices: Readonly<Record<string, number>> = {
  "list-active": 1,
  "list-inactive": 2,
  "list-persistent": 4,
  "list-transient": 8,
  "list-running": 16,
  "list-paused": 32,
  "list-shutoff": 64,
  "list-other": 128,
  nowait: 1 << 29,
  backing: 1 << 30,
  enforce: 2 ** 31,
};

function bits(given: Given, words: Readonly<Record<string, number>>): number {
  return given.all(Object.keys(words)).reduce((sum, name) => sum + (words[name] ?? 0), 0);
}

async function domstats(connection: Connection, given: Given): Promise<Listing | string> {
  const doms = await Promise.all(given.list("domain").map((name) => findDomain(connection, name)));
  const stats = bits(given, groups);
  const found = await connection.getAllDomainStats({ doms, stats }, { flags: bits(given, choices) });
  if (given.has("json")) {
    const objects = found.map(({ dom, params }) => ({ domain: dom.name, uuid: dom.uuid, ...params }));
    return { columns: [], rows: [], objects };
  }
  return found
    .map(({ dom, params }) => {
      const lines = Object.entries(params).map(([name, value]) => `  ${name}=${valueText(value)}\n`);
      return `Domain: '${dom.name}'\n${lines.join("")}`;
    })
    .join("\n");
}

function valueText(value: string | number | bigint | boolean): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

async function blockInfo(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const text = (bytes: bigint): string => (given.has("human") ? bytesText(bytes) : String(bytes));
  if (given.has("all")) {
    const { DomainDefinition } = await import("../../open/index.ts");
    const { disks } = DomainDefinition.parse(await domain.getXmlDesc());
    const rows = await Promise.all(
      disks.map(async ({ target, source }) => {
        if (source === undefined) return [target, "-", "-", "-"];
        const { capacity, allocation, physical } = await domain.getBlockInfo(target);
        return [target, text(capacity), text(allocation), text(physical)];
      }),
    );
    return tableText({ columns: ["Target", "Capacity", "Allocation", "Physical"], rows, objects: [] });
  }
  const device = given.text("device");
  if (device === undefined) throw new PlainFailure("command 'domblkinfo' requires <device> option");
  const { capacity, allocation, physical } = await domain.getBlockInfo(device);
  const sizes = { Capacity: capacity, Allocation: allocation, Physical: physical };
  return Object.entries(sizes)
    .map(([name, bytes]) => `${`${name}:`.padEnd(16)}${text(bytes)}\n`)
    .join("");
}

/** libvirt's names of counters, and virsh's. */
const counters: Readonly<Record<string, string>> = {
  rd_operations: "rd_req",
  wr_operations: "wr_req",
};
/** virsh's names, for people. */
const countersInWords: Readonly<Record<string, string>> = {
  rd_req: "number of read operations:",
  rd_bytes: "number of bytes read:",
  wr_req: "number of write operations:",
  wr_bytes: "number of bytes written:",
  errs: "error count:",
  flush_operations: "number of flush operations:",
  rd_total_times: "total duration of reads (ns):",
  wr_total_times: "total duration of writes (ns):",
  flush_total_times: "total duration of flushes (ns):",
};

async function blockStat(domain: Domain, given: Given): Promise<string> {
  const path = given.text("device") ?? "";
  const stats = await unlessUnsupported(domain.blockStatsFlags(path));
  const values: Readonly<Record<string, unknown>> =
    stats === undefined ? plainStats(await domain.blockStats(path)) : stats;
  const isForPeople = given.has("human");
  const lines = Object.entries(values).map(([key, value]) => {
    const name = counters[key] ?? key;
    return isForPeople
      ? ` ${(countersInWords[name] ?? name).padEnd(31)} ${String(value)}`
      : `${path} ${name} ${String(value)}`;
  });
  return [...(isForPeople ? [`Device: ${path}`] : []), ...lines].join("\n");
}

function plainStats(stats: Awaited<ReturnType<Domain["blockStats"]>>): Readonly<Record<string, bigint>> {
  const { rdReq, rdBytes, wrReq, wrBytes, errs } = stats;
  const all = { rd_req: rdReq, rd_bytes: rdBytes, wr_req: wrReq, wr_bytes: wrBytes, errs };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value >= 0n));
}

async function cardStat(domain: Domain, given: Given): Promise<string> {
  const device = given.need("interface");
  const stats = await domain.interfaceStats(device);
  return Object.entries(stats)
    .filter(([, value]) => value >= 0n)
    .map(([name, value]) => `${device} ${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} ${value}`)
    .join("\n");
}

/** VIR_DOMAIN_MEMORY_STAT_*, in their order. */
const memoryTags = [
  "swap_in",
  "swap_out",
  "major_fault",
  "minor_fault",
  "unused",
  "available",
  "actual",
  "rss",
  "usable",
  "last_update",
  "disk_caches",
  "hugetlb_pgalloc",
  "hugetlb_pgfail",
];

/** What memory is used; with --period, how often a guest is asked that. */
async function memoryStat(connection: Connection, given: Given): Promise<string> {
  const flags = affected(given);
  const domain = await findDomain(connection, given.need("domain"));
  const period = given.integer("period");
  if (period !== undefined) {
    if (period < 0) throw new PlainFailure(`Invalid collection period value '${period}'`);
    await domain.setMemoryStatsPeriod(period, { flags });
    return "";
  }
  const stats = await domain.memoryStats();
  return stats.map(({ tag, val }) => `${memoryTags[tag] ?? tag} ${val}\n`).join("");
}

const sources: Readonly<Record<string, number>> = { lease: 0, agent: 1, arp: 2 };

async function addresses(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const name = given.text("source") ?? "lease";
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source === undefined) throw new PlainFailure(`Unknown data source '${name}'`);
  const cards = await domain.interfaceAddresses(source);
  const wanted = given.text("interface");
  const lines = cards
    .filter((card) => wanted === undefined || card.name === wanted)
    .flatMap((card) => {
      const head = ` ${card.name.padEnd(10)} ${(card.hwaddr ?? "N/A").padEnd(17)}`;
      const next = given.has("full") ? head : ` ${"-".padEnd(10)} ${"-".padEnd(17)}`;
      if (card.addrs.length === 0) return [`${head}    ${"N/A".padEnd(12)} N/A`];
      return card.addrs.map(
        ({ type, addr, prefix }, at) =>
          `${at === 0 ? head : next}    ${(type === 0 ? "ipv4" : "ipv6").padEnd(12)} ${addr}/${prefix}`,
      );
    });
  const title = ` ${"Name".padEnd(10)} ${"MAC address".padEnd(20)} ${"Protocol".padEnd(8)}     Address`;
  return `${[title, "-".repeat(79), ...lines].join("\n")}\n`;
}

/** What people script about what domains use. */
export const statsVerbs: Verbs = {
  top: {
    help: "shows what domains use, over and over on a terminal",
    texts: ["interval#"],
    flags: ["once"],
    show: async (connection, given, where) => (await import("../top/top.ts")).top(connection, given, where),
  },
  domstats: {
    help: "tells what domains use",
    parameters: ["domain?..."],
    flags: [...Object.keys(groups), ...Object.keys(choices), "raw"],
    failure: () => "Failed to get domain statistics",
    show: domstats,
  },
  domblkinfo: {
    help: "says how large a domain's disks are",
    parameters: ["domain", "device?"],
    flags: ["human", "all"],
    run: blockInfo,
  },
  domblkstat: tell("tells what a domain reads and writes", blockStat, {
    parameters: ["domain", "device?"],
    flags: ["human"],
    failure: (given) => `Failed to get block stats ${given.need("domain")} ${given.need("device")}`,
  }),
  domifstat: tell("tells what a domain sends and receives", cardStat, {
    parameters: ["domain", "interface"],
    failure: (given) => `Failed to get interface stats ${given.need("domain")} ${given.need("interface")}`,
  }),
  dommemstat: {
    help: "tells what memory a domain uses, or says how often its guest is asked",
    parameters: ["domain"],
    texts: ["period#"],
    flags: affects,
    failure: (given) =>
      given.text("period") === undefined
        ? `Failed to get memory statistics for domain ${given.need("domain")}`
        : "Unable to change balloon collection period.",
    run: memoryStat,
  },
  domifaddr: {
    help: "lists a domain's network addresses",
    parameters: ["domain", "interface?", "source?"],
    flags: ["full"],
    failure: () => "Failed to query for interfaces addresses",
    run: addresses,
  },
  domjobinfo: {
    help: "says how far a domain's job is, or how the last one went",
    parameters: ["domain"],
    flags: jobInfoFlags,
    show: jobInfo,
  },
  domjobabort: {
    help: "aborts a domain's job",
    parameters: ["domain"],
    flags: ["postcopy"],
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      await domain.abortJob(given.has("postcopy") ? { flags: "postcopy" } : {});
      return "";
    },
  },
};
