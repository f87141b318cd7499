import { type Connection, type Domain, type MigrateFlag, type MigrateOptions, open } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { silent, tell } from "./domain-act.ts";
import { runJob } from "./job.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Given, PlainFailure, type Verbs } from "./verb.ts";

const words = {
  live: "live",
  offline: "offline",
  p2p: "peer2peer",
  tunnelled: "tunnelled",
  persistent: "persistDest",
  undefinesource: "undefineSource",
  suspend: "paused",
  "copy-storage-all": "nonSharedDisk",
  "copy-storage-inc": "nonSharedInc",
  "copy-storage-synchronous-writes": "nonSharedSynchronousWrites",
  "change-protection": "changeProtection",
  unsafe: "unsafe",
  compressed: "compressed",
  "auto-converge": "autoConverge",
  "rdma-pin-all": "rdmaPinAll",
  "abort-on-error": "abortOnError",
  postcopy: "postcopy",
  "postcopy-resume": "postcopyResume",
  zerocopy: "zerocopy",
  tls: "tls",
  parallel: "parallel",
} as const satisfies Readonly<Record<string, MigrateFlag>>;

/** virsh's options, and libvirt's names: texts, lists of them, files with texts, and numbers of 32 and of 64 bits. */
const texts = {
  graphicsuri: "graphics_uri",
  "listen-address": "listen_address",
  "disks-uri": "disks_uri",
  "tls-destination": "tls.destination",
} as const;
const lists = { "migrate-disks": "migrate_disks", "comp-methods": "compression" } as const;
const files = { "persistent-xml": "persistent_xml" } as const;
const numbers = {
  "disks-port": "disks_port",
  "comp-mt-level": "compression.mt.level",
  "comp-mt-threads": "compression.mt.threads",
  "comp-mt-dthreads": "compression.mt.dthreads",
  "auto-converge-initial": "auto_converge.initial",
  "auto-converge-increment": "auto_converge.increment",
  "parallel-connections": "parallel.connections",
} as const;
const longs = { "comp-xbzrle-cache": "compression.xbzrle.cache", "postcopy-bandwidth": "bandwidth.postcopy" } as const;

/** What was given of `options`, by libvirt's names. */
function read<V>(given: Given, options: Readonly<Record<string, string>>, value: (text: string, option: string) => V) {
  return Object.entries(options).flatMap(([option, field]) => {
    const text = given.text(option);
    return text === undefined ? [] : [[field, value(text, option)] as const];
  });
}

function optionsOf(given: Given): MigrateOptions {
  const [name, uri, xml, bandwidth] = [
    given.text("dname"),
    given.text("migrateuri"),
    given.text("xml"),
    given.long("bandwidth"),
  ];
  return {
    flags: given.words(words),
    ...(name !== undefined && { name }),
    ...(uri !== undefined && { uri }),
    ...(xml !== undefined && { xml: definitionIn(xml) }),
    ...(bandwidth !== undefined && { bandwidth }),
    params: Object.fromEntries([
      ...read(given, texts, (text) => text),
      ...read(given, lists, (text) => text.split(",")),
      ...read(given, files, definitionIn),
      ...read(given, numbers, (_, option) => given.number(option) ?? 0),
      ...read(given, longs, (_, option) => given.long(option) ?? 0n),
    ]),
  };
}

/** Throws PlainFailure. */
function definitionIn(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    throw new PlainFailure(`cannot read file '${path}'\nerror: ${(error as Error).message}`, { cause: error });
  }
}

/** Throws PlainFailure for what cannot be meant together. */
function check(given: Given): void {
  given.exclude("live", "offline");
  given.exclude("timeout-suspend", "timeout-postcopy");
  given.require("postcopy-resume", "postcopy");
  given.require("timeout-postcopy", "postcopy");
  given.require("postcopy-after-precopy", "postcopy");
  given.require("persistent-xml", "persistent");
  given.require("tls-destination", "tls");
  const timeoutMs = given.milliseconds("timeout");
  if (timeoutMs !== undefined && !given.has("live"))
    throw new PlainFailure("migrate: Unexpected timeout for offline migration");
  if (timeoutMs === undefined && ["timeout-suspend", "timeout-postcopy"].some((name) => given.has(name)))
    throw new PlainFailure("migrate: Unexpected --timeout-* option without --timeout");
}

async function migrate(connection: Connection, given: Given, where: Around): Promise<string> {
  check(given);
  const domain = await findDomain(connection, given.need("domain"));
  const destination = given.need("desturi");
  const options = optionsOf(given);
  const work = async (): Promise<void> => {
    if (given.has("p2p") || given.has("direct")) return domain.migrateToUri(destination, options);
    await using there = await open(destination);
    await domain.migrate(there, options);
  };
  await runJob(domain, where, "Migration", () => hurried(domain, given, where, work), given.has("verbose"));
  return "";
}

/** What is to be done when it takes too long. */
async function hurried<T>(domain: Domain, given: Given, where: Around, work: () => Promise<T>): Promise<T> {
  const isPostcopy = given.has("timeout-postcopy");
  // For people alone: virsh says nothing of it.
  const say = (what: string): void => void (where.isWatched && where.error(`error: ${what}\n`));
  const onTimeout = (): void => {
    say(`migration timed out; ${isPostcopy ? "switching to post-copy" : "suspending domain"}`);
    (isPostcopy ? domain.migrateStartPostCopy() : domain.suspend()).catch((error: Error) => say(error.message));
  };
  const timeoutMs = given.milliseconds("timeout");
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  const events = given.has("postcopy-after-precopy") ? afterOnePass(domain) : undefined;
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    events?.close();
  }
}

/** Goes on to post-copy once the memory has been sent once. */
function afterOnePass(domain: Domain): { close(): void } {
  const events = domain.events("migrationIteration");
  events.on(
    ({ iteration }) => {
      if (iteration === 2) domain.migrateStartPostCopy().catch(() => undefined);
    },
    // The migration itself says what is wrong with the connection.
    () => {},
  );
  return events;
}

/** VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY. */
const ofPostcopy = (given: Given): { readonly flags: number } => ({ flags: given.has("postcopy") ? 1 : 0 });

async function compressionCache(domain: Domain, given: Given): Promise<string> {
  const size = given.long("size");
  if (size !== undefined) await domain.migrateSetCompressionCache(size);
  const { bytesText } = await import("./table.ts");
  return `Compression cache: ${bytesText(await domain.migrateGetCompressionCache(), 3)}`;
}

/** What people script about moving domains to other hosts. */
export const migrateVerbs: Verbs = {
  migrate: {
    help: "moves a domain to another host",
    parameters: [
      "domain",
      "desturi",
      "migrateuri?",
      "graphicsuri?",
      "listen-address?",
      "dname?",
      "timeout?#",
      "xml?",
      "migrate-disks?",
      "disks-port?#",
      "disks-uri?",
      "comp-methods?",
      "comp-mt-level?#",
      "comp-mt-threads?#",
      "comp-mt-dthreads?#",
      "comp-xbzrle-cache?#",
      "auto-converge-initial?#",
      "auto-converge-increment?#",
      "persistent-xml?",
      "postcopy-bandwidth?#",
      "parallel-connections?#",
      "bandwidth?#",
      "tls-destination?",
    ],
    flags: [
      ...Object.keys(words),
      "direct",
      "verbose",
      "postcopy-after-precopy",
      "timeout-suspend",
      "timeout-postcopy",
    ],
    run: migrate,
  },
  "migrate-setmaxdowntime": silent(
    "says how long a domain may stand still when it moves",
    ["downtime#"],
    (domain, given) => {
      const downtime = given.long("downtime") ?? 0n;
      if (downtime < 1n) throw new PlainFailure("migrate: Invalid downtime");
      return domain.migrateSetMaxDowntime(downtime);
    },
  ),
  "migrate-getmaxdowntime": tell("tells how long a domain may stand still when it moves, in ms", async (domain) =>
    String(await domain.migrateGetMaxDowntime()),
  ),
  "migrate-setspeed": silent(
    "says how fast a domain may be sent, in MiB/s",
    ["bandwidth#"],
    (domain, given) => domain.migrateSetMaxSpeed(given.long("bandwidth") ?? 0n, ofPostcopy(given)),
    { flags: ["postcopy"] },
  ),
  "migrate-getspeed": tell(
    "tells how fast a domain may be sent, in MiB/s",
    async (domain, given) => String(await domain.migrateGetMaxSpeed(ofPostcopy(given))),
    { flags: ["postcopy"] },
  ),
  "migrate-compcache": tell("shows or says how much memory may be used to compress what is sent", compressionCache, {
    texts: ["size#"],
  }),
  "migrate-postcopy": silent("lets a domain run at its destination at once", [], (domain) =>
    domain.migrateStartPostCopy(),
  ),
};
