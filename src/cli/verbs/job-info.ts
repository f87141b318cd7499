import type { Connection, Domain, ParamValue, ParamValues } from "../../open/index.ts";
import { findDomain, unlessUnsupported } from "./lookup.ts";
import { bytesText } from "./table.ts";
import { type Facts, type Given, PlainFailure } from "./verb.ts";

interface Job {
  readonly type: number;
  /** By libvirt's names. */
  readonly params: ParamValues;
}

/** virDomainJobType, in its order. */
const types = ["None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled"];
/** virDomainJobOperation, in its order. */
const operations = [
  "Unknown",
  "Start",
  "Save",
  "Restore",
  "Incoming migration",
  "Outgoing migration",
  "Snapshot",
  "Snapshot revert",
  "Dump",
  "Backup",
  "Snapshot delete",
];

const choices = { completed: "completed", "keep-completed": "keepCompleted" } as const;

/** `--anystats`: of jobs that have come to nothing too. */
export const jobInfoFlags = [...Object.keys(choices), "anystats", "rawstats"];

/** How far a domain's job is, or how the last one went. Throws PlainFailure for what cannot be meant together. */
export async function jobInfo(connection: Connection, given: Given): Promise<Facts> {
  if (given.has("keep-completed") && !given.has("completed"))
    throw new PlainFailure("Option --completed is required by option --keep-completed");
  const domain = await findDomain(connection, given.need("domain"));
  const job = await jobOf(domain, given);
  const object = { type: typeOf(job), ...job.params };
  if (given.has("rawstats")) return { text: rawText(job), object };
  const head = row("Job type", typeOf(job).padEnd(12));
  if (job.type === 0) return { text: `${head}\n`, object };
  const isTold = job.type < 3 || (job.type === 3 && given.has("completed")) || given.has("anystats");
  const rows = [...rowsOf(job, [operation]), ...(isTold ? rowsOf(job, figuresOf(job)) : [])];
  return { text: [head, ...rows, ""].join("\n"), object };
}

/** What servers before libvirt 1.0.3 have is asked for in their way. */
async function jobOf(domain: Domain, given: Given): Promise<Job> {
  const flags = given.words(choices);
  const stats = await unlessUnsupported(domain.getJobStats({ flags }));
  if (stats !== undefined) return stats;
  if (flags.length > 0) throw new PlainFailure("Optional flags are not supported by the daemon");
  const { type, timeElapsed, timeRemaining, dataTotal, dataProcessed, dataRemaining } = await domain.getJobInfo();
  return {
    type,
    params: {
      time_elapsed: timeElapsed,
      time_remaining: timeRemaining,
      data_total: dataTotal,
      data_processed: dataProcessed,
      data_remaining: dataRemaining,
    },
  };
}

function typeOf({ type }: Job): string {
  return types[type] ?? "Unknown";
}

function rawText({ type, params }: Job): string {
  const shown = (value: ParamValue): string => String(typeof value === "boolean" ? Number(value) : value);
  const lines = Object.entries(params).map(([field, value]) => `${field}: ${shown(value)}`);
  return [`Job type: ${type}`, "", ...lines, ""].join("\n");
}

type Show = (value: ParamValue) => string;
/** What it is called, libvirt's name for it, and how it is written. */
type Figure = readonly [name: string, field: string, show: Show];

const counted =
  (unit = ""): Show =>
  (value) =>
    `${String(value).padEnd(12)}${unit}`;
const ms = counted(" ms");
const number = counted();
const wide: Show = (value) => String(value).padEnd(13);
const size: Show = (value) => bytesText(BigInt(value), 3);
const speed: Show = (value) => `${size(value)}/s`;

/** What is known of the bytes of a kind: nothing is said where there are none. */
const amounts = (name: string, field: string): readonly Figure[] =>
  ["processed", "remaining", "total"].map((what) => [`${name} ${what}`, `${field}_${what}`, size]);

const operation: Figure = ["Operation", "operation", (value) => (operations[Number(value)] ?? "Unknown").padEnd(12)];

const ofMemory: readonly Figure[] = [
  ["Memory bandwidth", "memory_bps", speed],
  ["Dirty rate", "memory_dirty_rate", counted(" pages/s")],
  ["Page size", "memory_page_size", counted(" bytes")],
  ["Iteration", "memory_iteration", number],
  ["Postcopy requests", "memory_postcopy_requests", number],
];

const ofAll: readonly Figure[] = [
  ["Constant pages", "memory_constant", number],
  ["Normal pages", "memory_normal", number],
  ["Normal data", "memory_normal_bytes", size],
];

const ofMigrations: readonly Figure[] = [
  ["Downtime w/o network", "downtime_net", ms],
  ["Setup time", "setup_time", ms],
  ["Compression cache", "compression_cache", size],
  ["Compressed data", "compression_bytes", size],
  ["Compressed pages", "compression_pages", wide],
  ["Compression cache misses", "compression_cache_misses", wide],
  ["Compression overflows", "compression_overflow", wide],
  ["Auto converge throttle", "auto_converge_throttle", wide],
  ["Temporary disk space use", "disk_temp_used", size],
  ["Temporary disk space total", "disk_temp_total", size],
  ["Error message", "errmsg", String],
];

function figuresOf({ type, params }: Job): readonly Figure[] {
  const some = (field: string): boolean => amounts("", field).some(([, each]) => BigInt(params[each] ?? 0) !== 0n);
  return [
    ["Time elapsed", "time_elapsed", ms],
    ["Time elapsed w/o network", "time_elapsed_net", ms],
    ...(type === 1 ? [["Time remaining", "time_remaining", ms] as const] : []),
    ...(some("data") ? amounts("Data", "data") : []),
    ...(some("memory") ? [...amounts("Memory", "memory"), ...ofMemory] : []),
    ...(some("disk") ? [...amounts("File", "disk"), ["File bandwidth", "disk_bps", speed] as const] : []),
    ...ofAll,
    [type === 3 ? "Total downtime" : "Expected downtime", "downtime", ms],
    ...ofMigrations,
  ];
}

function rowsOf({ params }: Job, figures: readonly Figure[]): string[] {
  return figures.flatMap(([name, field, show]) => {
    const value = params[field];
    return value === undefined ? [] : [row(name, show(value))];
  });
}

function row(name: string, value: string): string {
  return `${`${name}:`.padEnd(17)} ${value}`;
}
