import type { Connection, Domain, ParamsInput } from "../../open/index.ts";
import { element, writeXml } from "../../xml/index.ts";
import type { Around } from "./around.ts";
import { type AwaitedBlockJob, waitForBlockJob } from "./block-job-wait.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { bytesText } from "./table.ts";
import { type Facts, type Given, PlainFailure, type Verbs } from "./verb.ts";

const mib = 1024n * 1024n;

/** As the call wants it: in MiB/s, or in bytes with --bytes. */
function bandwidthOf(given: Given): bigint {
  if (!given.has("bytes")) return given.long("bandwidth") ?? 0n;
  return given.bytes("bandwidth", 1n) ?? 0n;
}

/** What ends the waiting, and how: shared by the three jobs. Throws PlainFailure. */
function waitingOf(given: Given, ends: readonly string[]): boolean {
  const isLimited = given.milliseconds("timeout") !== undefined;
  const isWaiting = isLimited || ["wait", ...ends].some((name) => given.has(name));
  if (ends.length === 0) {
    for (const option of ["verbose", "async"])
      if (given.has(option) && !given.has("wait"))
        throw new PlainFailure(`Option --wait is required by option --${option}`);
    return isWaiting;
  }
  const names = ["timeout", "wait", ...ends].map((name) => `--${name}`);
  const choice = `${names.slice(0, -1).join(", ")}, or ${names.at(-1)}`;
  for (const option of ["verbose", "async"]) {
    if (given.has(option) && !isWaiting) throw new PlainFailure(`--${option} requires at least one of ${choice}`);
  }
  return isWaiting;
}

/** A job that is begun, and waited for where that is asked. */
interface BlockJob {
  /** "Block Pull" */
  readonly title: string;
  readonly short: AwaitedBlockJob["short"];
  readonly label: AwaitedBlockJob["label"];
  readonly ends: readonly string[];
  begin(domain: Domain, path: string, given: Given): Promise<string | undefined>;
  /** What becomes of it when it is in step, and what is said then. */
  atEnd?(given: Given): AwaitedBlockJob["end"];
}

async function runBlockJob(job: BlockJob, connection: Connection, given: Given, where: Around): Promise<string> {
  const isWaiting = waitingOf(given, job.ends);
  const domain = await findDomain(connection, given.need("domain"));
  const path = given.need("path");
  if (!isWaiting) return (await job.begin(domain, path, given)) ?? `${job.title} started`;
  const awaited = { short: job.short, label: job.label, end: job.atEnd?.(given) ?? "itself" };
  return waitForBlockJob(domain, path, given, where, awaited, () => job.begin(domain, path, given));
}

const pull: BlockJob = {
  title: "Block Pull",
  short: "Pull",
  label: "Block Pull",
  ends: [],
  begin: async (domain, path, given) => {
    const base = given.text("base");
    const bandwidth = bandwidthOf(given);
    const inBytes = given.has("bytes") ? (["bandwidthBytes"] as const) : [];
    if (base === undefined && !given.has("keep-relative")) {
      await domain.blockPull({ path, bandwidth }, { flags: inBytes });
    } else {
      const relative = given.has("keep-relative") ? (["relative"] as const) : [];
      await domain.blockRebase({ path, base, bandwidth }, { flags: [...relative, ...inBytes] });
    }
    return undefined;
  },
};

/** Of the image that the guest writes: it ends when it is told to, and is in step until then. */
function isActiveCommit(given: Given): boolean {
  return ["active", "pivot", "keep-overlay"].some((name) => given.has(name));
}

const commit: BlockJob = {
  title: "Block Commit",
  short: "Commit",
  label: "Block commit",
  ends: ["pivot", "keep-overlay"],
  begin: async (domain, disk, given) => {
    const isActive = isActiveCommit(given);
    const words = {
      shallow: "shallow",
      delete: "delete",
      "keep-relative": "relative",
      bytes: "bandwidthBytes",
    } as const;
    await domain.blockCommit(
      { disk, base: given.text("base"), top: given.text("top"), bandwidth: bandwidthOf(given) },
      { flags: [...given.words(words), ...(isActive ? (["active"] as const) : [])] },
    );
    return isActive ? "Active Block Commit started" : undefined;
  },
  atEnd: (given) => {
    if (given.has("pivot")) return "pivot";
    if (given.has("keep-overlay")) return "finish";
    return isActiveCommit(given) ? "step" : "itself";
  },
};

/** Where a copy goes, as a part of a definition. */
function destination(given: Given): string {
  const [dest, xml] = [given.text("dest"), given.text("xml")];
  if (xml !== undefined) return readText(xml);
  const isBlock = given.has("blockdev");
  const format = given.text("format");
  return writeXml(
    element("disk", { type: isBlock ? "block" : "file" }, [
      element("source", { [isBlock ? "dev" : "file"]: dest ?? "" }),
      format === undefined ? undefined : element("driver", { type: format }),
    ]),
  );
}

function copyParams(given: Given): ParamsInput {
  const [granularity, size] = [given.number("granularity"), given.bytes("buf-size", 1n)];
  const bandwidth = given.has("bytes") ? bandwidthOf(given) : bandwidthOf(given) * mib;
  return {
    ...(bandwidth !== 0n && { bandwidth }),
    ...(granularity !== undefined && { granularity }),
    ...(size !== undefined && { "buf-size": size }),
  };
}

const copying = {
  shallow: "shallow",
  "reuse-external": "reuseExt",
  blockdev: "copyDev",
  bytes: "bandwidthBytes",
} as const;

const copy: BlockJob = {
  title: "Block Copy",
  short: "Copy",
  label: "Block Copy",
  ends: ["pivot", "finish"],
  begin: async (domain, path, given) => {
    const words = {
      shallow: "shallow",
      "reuse-external": "reuseExt",
      "transient-job": "transientJob",
      "synchronous-writes": "synchronousWrites",
    } as const;
    const isPlain = ["xml", "granularity", "buf-size"].every((name) => given.text(name) === undefined);
    const hasNewer = given.has("transient-job") || given.has("synchronous-writes");
    // What servers before libvirt 1.2.8 can do is asked for in their way, as virsh does.
    if (isPlain && !hasNewer && ["raw", undefined].includes(given.text("format"))) {
      const flags = [...given.words(copying), ...(given.text("format") === "raw" ? (["copyRaw"] as const) : [])];
      const base = given.text("dest");
      await domain.blockRebase({ path, base, bandwidth: bandwidthOf(given) }, { flags: ["copy", ...flags] });
      return undefined;
    }
    const all = { path, destxml: destination(given), params: copyParams(given) };
    await domain.blockCopy(all, { flags: given.words(words) });
    return undefined;
  },
  atEnd: (given) => (given.has("pivot") ? "pivot" : given.has("finish") ? "finish" : "step"),
};

async function blockcopy(connection: Connection, given: Given, where: Around): Promise<string> {
  given.exclude("dest", "xml");
  given.exclude("format", "xml");
  given.exclude("blockdev", "xml");
  given.exclude("pivot", "finish");
  if (given.text("dest") === undefined && given.text("xml") === undefined)
    throw new PlainFailure("need either --dest or --xml");
  if (given.has("print-xml")) return destination(given);
  return runBlockJob(copy, connection, given, where);
}

/** virDomainBlockJobType, in its order. */
const jobNames = ["Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup"];

async function blockjob(connection: Connection, given: Given, where: Around): Promise<string | Facts> {
  const isEnd = ["abort", "async", "pivot"].some((name) => given.has(name));
  const isSpeed = given.text("bandwidth") !== undefined;
  for (const end of ["abort", "pivot", "async"]) for (const other of ["raw", "info"]) given.exclude(other, end);
  given.exclude("info", "bandwidth");
  given.exclude("raw", "bandwidth");
  const domain = await findDomain(connection, given.need("domain"));
  const path = given.need("path");
  if (isEnd && !isSpeed) {
    await domain.blockJobAbort(path, { flags: given.all(["async", "pivot"]) });
    return "";
  }
  const flags = given.has("bytes") ? 1 : 0;
  if (isSpeed) {
    await domain.blockJobSetSpeed({ path, bandwidth: bandwidthOf(given) }, { flags });
    return "";
  }
  return jobFacts(domain, path, given, where);
}

async function jobFacts(domain: Domain, path: string, given: Given, where: Around): Promise<Facts | string> {
  // Bytes are asked for whenever the server can count so.
  const isExact = 1;
  const { found, type, bandwidth, cur, end } = await domain.getBlockJobInfo(path, { flags: isExact });
  const name = jobNames[type] ?? jobNames[0];
  const object = found === 0 ? {} : { type: name, bandwidth, cur, end };
  if (given.has("json")) return { text: "", object };
  if (given.has("raw")) return found === 0 ? "" : ` type=${name}\n bandwidth=${bandwidth}\n cur=${cur}\n end=${end}\n`;
  if (found === 0) return `No current block job for ${path}`;
  const percent = end === 0n ? 0n : (cur * 100n) / end;
  where.error(`\r${name}: [${String(percent).padStart(3)} %]`);
  return bandwidth === 0n ? "\n" : `    Bandwidth limit: ${bandwidth} bytes/s (${bytesText(bandwidth, 3)}/s)\n`;
}

const waiting = ["wait", "verbose", "async"];

/** What people script about work on disks that are in use. */
export const blockJobVerbs: Verbs = {
  blockpull: {
    help: "copies what stands behind a disk into it",
    parameters: ["domain", "path", "bandwidth?#", "base?", "timeout?#"],
    flags: [...waiting, "keep-relative", "bytes"],
    run: (connection, given, where) => runBlockJob(pull, connection, given, where),
  },
  blockcommit: {
    help: "writes what a disk has more than those behind it into them",
    parameters: ["domain", "path", "bandwidth?#", "base?", "top?", "timeout?#"],
    flags: ["shallow", "active", "delete", ...waiting, "pivot", "keep-overlay", "keep-relative", "bytes"],
    run: (connection, given, where) => {
      given.exclude("pivot", "keep-overlay");
      given.exclude("base", "shallow");
      return runBlockJob(commit, connection, given, where);
    },
  },
  blockcopy: {
    help: "copies a disk, and keeps both the same",
    parameters: [
      "domain",
      "path",
      "dest?",
      "bandwidth?#",
      "timeout?#",
      "xml?",
      "format?",
      "granularity?#",
      "buf-size?#",
    ],
    flags: [
      "shallow",
      "reuse-external",
      "blockdev",
      ...waiting,
      "pivot",
      "finish",
      "bytes",
      "transient-job",
      "synchronous-writes",
      "print-xml",
    ],
    run: blockcopy,
  },
  blockjob: {
    help: "says how far work on a disk is, or ends it",
    parameters: ["domain", "path", "bandwidth?#"],
    flags: ["abort", "async", "pivot", "info", "bytes", "raw"],
    show: blockjob,
  },
  blockresize: {
    help: "changes how large a disk is",
    parameters: ["domain", "path", "size#"],
    failure: (given) => `Failed to resize block device '${given.need("path")}'`,
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      const disk = given.need("path");
      const size = given.bytes("size", 1024n) ?? 0n;
      // Whole KiB may be said in KiB, which old servers have too.
      if (size % 1024n === 0n) await domain.blockResize({ disk, size: size / 1024n });
      else await domain.blockResize({ disk, size }, { flags: "bytes" });
      return `Block device '${disk}' is resized`;
    },
  },
  domblkthreshold: {
    help: "says how full a disk may be before it is told",
    parameters: ["domain", "dev", "threshold#"],
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      await domain.setBlockThreshold({ dev: given.need("dev"), threshold: given.bytes("threshold", 1n) ?? 0n });
      return "";
    },
  },
};
