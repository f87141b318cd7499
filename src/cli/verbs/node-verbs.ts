import type { Connection } from "../../open/index.ts";
import { type Element, parseXml } from "../../xml/index.ts";
import { cpuList } from "./cpu-map.ts";
import { type Facts, type Given, PlainFailure, type Verbs } from "./verb.ts";

const kib = 1024n;

/** The host's NUMA cells. */
async function hostCells(connection: Connection): Promise<readonly Element[]> {
  const { root } = parseXml(await connection.getCapabilities());
  const cells = root.find("host", "topology", "cells")?.all("cell") ?? [];
  if (cells.length === 0) throw new PlainFailure("could not get information about NUMA topology");
  return cells;
}

async function freecell(connection: Connection, given: Given): Promise<Facts> {
  given.exclude("all", "cellno");
  const cell = given.integer("cellno");
  if (given.has("all")) return freeOfAll(connection);
  const free = cell === undefined ? await connection.nodeGetFreeMemory() : await freeOf(connection, cell);
  return {
    fields: [[String(cell ?? "Total"), `${free / kib} KiB`]],
    width: String(cell ?? "Total").length + 2,
    object: { cell: cell ?? null, free },
  };
}

async function freeOf(connection: Connection, startCell: number): Promise<bigint> {
  return (await connection.nodeGetCellsFreeMemory({ startCell, maxcells: 1 }))[0] ?? 0n;
}

async function freeOfAll(connection: Connection): Promise<Facts> {
  const ids = (await hostCells(connection)).map((cell) => Number(cell.attribute("id")));
  const cells = await Promise.all(ids.map(async (id) => ({ cell: id, free: await freeOf(connection, id) })));
  const total = cells.reduce((sum, { free }) => sum + free, 0n);
  const line = (name: string, free: bigint): string => `${name.padStart(5)}: ${String(free / kib).padStart(10)} KiB\n`;
  const lines = cells.map(({ cell, free }) => line(String(cell), free));
  return { text: `${lines.join("")}--------------------\n${line("Total", total)}`, object: { cells, total } };
}

async function freepages(connection: Connection, given: Given): Promise<Facts> {
  given.exclude("all", "cellno");
  if (given.has("all")) return freePagesOfAll(connection);
  const cell = given.integer("cellno");
  if (cell === undefined) throw new PlainFailure("missing cellno argument");
  if (cell < -1) throw new PlainFailure("cell number must be non-negative integer or -1");
  const bytes = given.bytes("pagesize", kib);
  if (bytes === undefined) throw new PlainFailure("missing pagesize argument");
  const sizeKiB = Number((bytes + kib - 1n) / kib);
  return shownPages([{ cell, pages: await pagesOf(connection, cell, [sizeKiB]) }], false);
}

interface CellPages {
  readonly cell: number;
  readonly pages: readonly { readonly sizeKiB: number; readonly free: bigint }[];
}

async function pagesOf(connection: Connection, startCell: number, pages: readonly number[]) {
  const counts = await connection.nodeGetFreePages({ pages, startCell, cellCount: 1 });
  return pages.map((sizeKiB, at) => ({ sizeKiB, free: counts[at] ?? 0n }));
}

async function freePagesOfAll(connection: Connection): Promise<Facts> {
  const { root } = parseXml(await connection.getCapabilities());
  const known = root.find("host", "cpu")?.all("pages") ?? [];
  const inCells = (await hostCells(connection)).map((cell) => ({
    id: Number(cell.attribute("id")),
    sizes: cell.all("pages").map((pages) => Number(pages.attribute("size"))),
  }));
  const sizes = known.length > 0 ? known.map((pages) => Number(pages.attribute("size"))) : undefined;
  const cells = await Promise.all(
    inCells.map(async (each) => ({ cell: each.id, pages: await pagesOf(connection, each.id, sizes ?? each.sizes) })),
  );
  return shownPages(cells, true);
}

function shownPages(cells: readonly CellPages[], isNamed: boolean): Facts {
  const text = cells.map(({ cell, pages }) => {
    const lines = pages.map(({ sizeKiB, free }) => `${sizeKiB}KiB: ${free}\n`).join("");
    return isNamed ? `Node ${cell}:\n${lines}\n` : lines;
  });
  return { text: text.join(""), object: isNamed ? cells : (cells[0] ?? {}) };
}

async function allocpages(connection: Connection, given: Given): Promise<string> {
  given.exclude("all", "cellno");
  const bytes = given.bytes("pagesize", kib) ?? 0n;
  const count = given.long("pagecount") ?? 0n;
  const cell = given.integer("cellno");
  const cells = given.has("all") ? (await hostCells(connection)).length : 1;
  await connection.nodeAllocPages(
    {
      pageSizes: [Number((bytes + kib - 1n) / kib)],
      pageCounts: [count],
      startCell: given.has("all") ? 0 : (cell ?? -1),
      cellCount: cells,
    },
    { flags: given.has("add") ? 0 : setsCount },
  );
  return "";
}
/** VIR_NODE_ALLOC_PAGES_SET. */
const setsCount = 1;

async function cpumap(connection: Connection, given: Given): Promise<Facts> {
  const { ret: present, online, cpumap } = await connection.nodeGetCpuMap();
  const marks = Array.from({ length: present }, (_, cpu) =>
    (((cpumap[cpu >> 3] ?? 0) >> (cpu & 7)) & 1) === 1 ? "y" : "-",
  ).join("");
  const list = cpuList(cpumap, present);
  return {
    fields: [
      ["CPUs present", String(present)],
      ["CPUs online", String(online)],
      ["CPU map", given.has("pretty") ? list : marks],
    ],
    width: 16,
    object: { present, online, map: list },
  };
}

/** libvirt's names, and virsh's. */
const cpuTimes = { user: "user", kernel: "system", idle: "idle", iowait: "iowait", intr: "intr" } as const;
type CpuTimes = Readonly<Record<string, bigint>>;

async function cpustats(connection: Connection, given: Given): Promise<Facts> {
  const cpu = given.integer("cpu") ?? -1;
  if (cpu < -1) {
    const detail = "cpuNum in virNodeGetCPUStats only accepts -1 as a negative value";
    throw new PlainFailure(`Unable to get number of cpu stats\nerror: ${detail}`);
  }
  const before = await connection.nodeGetCpuStats(cpu);
  if (!given.has("percent")) {
    const known = Object.entries(cpuTimes).filter(([name]) => before[name] !== undefined);
    const fields = known.map(([name, word]) => [word, String(before[name]).padStart(20)] as const);
    return { fields, width: 16, object: before };
  }
  const parts = "utilization" in before ? usageOf(before) : await usageOverASecond(connection, cpu, before);
  const fields = Object.entries(parts).map(([name, part]) => [name, `${part.toFixed(1).padStart(5)}%`] as const);
  return { fields, width: 16, object: parts };
}

type Parts = Readonly<Record<string, number>>;

/** In percent, where the hypervisor counts in percent itself. */
function usageOf(stats: CpuTimes): Parts {
  const usage = Number(stats["utilization"]);
  return { usage, idle: 100 - usage };
}

async function usageOverASecond(connection: Connection, cpu: number, before: CpuTimes): Promise<Parts> {
  const { setTimeout } = await import("node:timers/promises");
  await setTimeout(1_000);
  const after = await connection.nodeGetCpuStats(cpu);
  const spent = Object.entries(cpuTimes).flatMap(([name, word]) => {
    const [first, last] = [before[name], after[name]];
    return first === undefined || last === undefined ? [] : [[word, Number(last - first)] as const];
  });
  const total = spent.reduce((sum, [, time]) => sum + time, 0) || 1;
  const parts = Object.fromEntries(spent.map(([word, time]) => [word, (time / total) * 100]));
  const usage = Object.values(parts).reduce((sum, part) => sum + part, 0) - (parts["idle"] ?? 0);
  return { usage, ...parts };
}

async function memstats(connection: Connection, given: Given): Promise<Facts> {
  const stats = await connection.nodeGetMemoryStats(given.integer("cell") ?? -1);
  const lines = Object.entries(stats).map(([name, value]) => `${name.padEnd(7)}: ${String(value).padStart(20)} KiB\n`);
  return { text: lines.join(""), object: stats };
}

const shared = {
  "shm-pages-to-scan": "shm_pages_to_scan",
  "shm-sleep-millisecs": "shm_sleep_millisecs",
  "shm-merge-across-nodes": "shm_merge_across_nodes",
} as const;

async function memoryTune(connection: Connection, given: Given): Promise<string | Facts> {
  const wanted = Object.entries(shared).flatMap(([option, field]) => {
    const value = given.number(option);
    return value === undefined ? [] : [[field, value] as const];
  });
  if (wanted.length > 0) {
    await connection.nodeSetMemoryParameters(Object.fromEntries(wanted));
    return "";
  }
  const values = await connection.nodeGetMemoryParameters();
  const lines = Object.entries(values).map(
    ([name, value]) => `\t${name.replace(/^shm_/, "").padEnd(15)} ${String(value)}\n`,
  );
  return { text: `Shared memory:\n${lines.join("")}`, object: values };
}

/** VIR_NODE_SUSPEND_TARGET_*, in their order. */
const sleeps = ["mem", "disk", "hybrid"];

async function suspend(connection: Connection, given: Given): Promise<string> {
  const target = sleeps.indexOf(given.need("target"));
  const duration = given.integer("duration") ?? 0;
  if (target < 0) throw new PlainFailure("Invalid target");
  if (duration < 0) throw new PlainFailure("Invalid duration");
  await connection.nodeSuspendForDuration({ target, duration });
  return "";
}

/** What people script about the host's processors and memory. */
export const nodeVerbs: Verbs = {
  freecell: {
    help: "says how much memory the host has left",
    parameters: ["cellno?#"],
    flags: ["all"],
    show: freecell,
  },
  freepages: {
    help: "says how many pages of memory the host has left",
    parameters: ["cellno?#", "pagesize?#"],
    flags: ["all"],
    show: freepages,
  },
  allocpages: {
    help: "changes how many huge pages the host has",
    parameters: ["pagesize#", "pagecount#", "cellno?#"],
    flags: ["add", "all"],
    run: allocpages,
  },
  nodecpumap: {
    help: "says which processors the host has",
    flags: ["pretty"],
    failure: () => "Unable to get cpu map",
    show: cpumap,
  },
  nodecpustats: {
    help: "says what the host's processors have done",
    parameters: ["cpu?#"],
    flags: ["percent"],
    failure: () => "Unable to get number of cpu stats",
    show: cpustats,
  },
  nodememstats: {
    help: "says how the host's memory is used",
    parameters: ["cell?#"],
    failure: () => "Unable to get number of memory stats",
    show: memstats,
  },
  "node-memory-tune": {
    help: "shows or says how the host looks for equal pages of memory",
    parameters: Object.keys(shared).map((name) => `${name}?#`),
    failure: (given) =>
      Object.keys(shared).some((name) => given.text(name) !== undefined)
        ? "Unable to change memory parameters"
        : "Unable to get number of memory parameters",
    show: memoryTune,
  },
  nodesuspend: {
    help: "puts the host to sleep for a time",
    parameters: ["target", "duration#"],
    failure: () => "The host was not suspended",
    run: suspend,
  },
  nodesevinfo: {
    help: "says what the host can do to encrypt guests' memory",
    failure: () => "Unable to get host SEV information",
    show: async (connection) => {
      const object = await connection.nodeGetSevInfo();
      const lines = Object.entries(object).map(([name, value]) => `${name.padEnd(18)}: ${String(value)}\n`);
      return { text: lines.join(""), object };
    },
  },
};
