import type { Connection, Domain, ParamsInput, ParamValues } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { cpuList, hostCpus, mapOf } from "./cpu-map.ts";
import { affected, affects, silent, tell } from "./domain-act.ts";
import { valuesText } from "./limit-verbs.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Doing, type Facts, type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

/** "--set name=value", and the two that have options of their own. Throws PlainFailure. */
function schedulerWanted(given: Given): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const name of ["cap", "weight"]) {
    const text = given.text(name);
    if (text !== undefined) wanted.set(name, text);
  }
  for (const pair of given.list("set")) {
    const equals = pair.indexOf("=");
    if (equals < 0) throw new PlainFailure("Invalid syntax for --set, expecting name=value");
    wanted.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return wanted;
}

async function schedinfo(connection: Connection, given: Given, where: Around): Promise<Facts> {
  const flags = affected(given);
  const domain = await findDomain(connection, given.need("domain"));
  const say = (type: string): void => {
    if (!given.has("json")) where.out(`${"Scheduler".padEnd(15)}: ${type}\n`);
  };
  const { type } = await domain.getSchedulerType().catch((error: unknown) => {
    say("Unknown");
    throw error;
  });
  // It is said before anything can go wrong with the rest.
  say(type);
  const wanted = schedulerWanted(given);
  const isPlain = flags.length === 0 && !given.has("current");
  const options = isPlain ? {} : { flags };
  if (wanted.size > 0) {
    const now = await domain.getSchedulerParameters(options);
    await domain.setSchedulerParameters(changed(now, wanted), options);
  }
  const values = await domain.getSchedulerParameters(options);
  return { ...valuesText(values), object: { scheduler: type, ...values } };
}

/** Of the type that the value has now. Throws PlainFailure. */
function changed(now: ParamValues, wanted: ReadonlyMap<string, string>): ParamsInput {
  const changes = [...wanted].map(([name, text]) => {
    const before = now[name];
    if (before === undefined) throw new PlainFailure(`invalid scheduler option: ${name}`);
    if (typeof before === "string") return [name, text] as const;
    if (!/^-?\d+$/.test(text)) {
      const type = typeof before === "bigint" ? "unsigned long long" : "unsigned int";
      throw new PlainFailure(`invalid argument: Invalid value for field '${name}': expected ${type}`);
    }
    return [name, typeof before === "bigint" ? BigInt(text) : Number(text)] as const;
  });
  return Object.fromEntries(changes);
}

const seconds = (ns: bigint): string =>
  `${String(ns / 1_000_000_000n).padStart(9)}.${String(ns % 1_000_000_000n).padStart(9, "0")} seconds`;

function timesText(times: ParamValues): string {
  return Object.entries(times)
    .map(([name, value]) => `\t${name.padEnd(12)} ${typeof value === "bigint" ? seconds(value) : String(value)}\n`)
    .join("");
}

async function cpuStats(connection: Connection, given: Given): Promise<Facts> {
  const [start, count] = [given.integer("start"), given.integer("count")];
  if (start !== undefined && start < 0) throw new PlainFailure("Invalid value for start CPU");
  if (count !== undefined && count < 0) throw new PlainFailure("Invalid value for number of CPUs to show");
  const domain = await findDomain(connection, given.need("domain"));
  const isEach = start !== undefined || count !== undefined;
  const all = !isEach && !given.has("total");
  const available = await hostCpus(connection);
  if (start !== undefined && start >= available)
    throw new PlainFailure(`Start CPU ${start} is out of range (min: 0, max: ${available - 1})`);
  const cpus =
    isEach || all ? await ofEach(domain, start ?? 0, Math.min(count ?? available, available - (start ?? 0))) : [];
  const total = all || given.has("total") ? (await domain.getCpuStats({ startCpu: -1, ncpus: 1 }))[0] : undefined;
  const lines = cpus.map(({ cpu, ...times }) => `CPU${cpu}:\n${timesText(times)}`);
  const sum = total === undefined ? "" : `Total:\n${timesText(total)}`;
  return { text: lines.join("") + sum, object: { cpus, ...(total !== undefined && { total }) } };
}

async function ofEach(domain: Domain, startCpu: number, ncpus: number) {
  const stats = await domain.getCpuStats({ startCpu, ncpus });
  return stats.map((times, at) => ({ cpu: startCpu + at, ...times }));
}

async function iothreads(connection: Connection, given: Given): Promise<string | Listing> {
  const flags = affected(given);
  const domain = await findDomain(connection, given.need("domain"));
  const found = await domain.getIothreadInfo({ flags });
  const cpus = await hostCpus(connection);
  if (found.length === 0 && !given.has("json")) return "No IOThreads found for the domain";
  const objects = found.map(({ iothreadId, cpumap }) => ({ id: iothreadId, cpus: cpuList(cpumap, cpus) }));
  return {
    columns: ["IOThread ID", "CPU Affinity"],
    rows: objects.map(({ id, cpus: list }) => [String(id), list]),
    objects,
  };
}

/** A verb that changes something of a domain now, for its next start, or both; and says nothing. */
function change(
  help: string,
  parameters: readonly string[],
  todo: Parameters<typeof silent>[2],
  flags: readonly string[] = [],
): Doing {
  return silent(help, parameters, todo, { flags: [...affects, ...flags] });
}

function threadOf(given: Given, name: string): number {
  const id = given.integer(name) ?? 0;
  if (id <= 0) throw new PlainFailure(`Invalid IOThread id value: '${id}'`);
  return id;
}

const pollOptions = {
  "poll-max-ns": ["poll_max_ns", "ullong"],
  "poll-grow": ["poll_grow", "uint"],
  "poll-shrink": ["poll_shrink", "uint"],
  "thread-pool-min": ["thread_pool_min", "int"],
  "thread-pool-max": ["thread_pool_max", "int"],
} as const;

function pollWanted(given: Given): ParamsInput {
  const wanted = Object.entries(pollOptions).flatMap(([option, [field, type]]) => {
    const value = given.integer(option);
    if (value === undefined) return [];
    return [[field, type === "ullong" ? { type, value: BigInt(value) } : { type, value }] as const];
  });
  if (wanted.length === 0) throw new PlainFailure("Not enough arguments passed, nothing to set");
  return Object.fromEntries(wanted);
}

/** Whether processors are to be on. Throws PlainFailure. */
function enabling(given: Given, message: string): number {
  given.exclude("enable", "disable");
  if (!given.has("enable") && !given.has("disable")) throw new PlainFailure(message);
  return given.has("enable") ? 1 : 0;
}

async function guestVcpus(connection: Connection, given: Given): Promise<string | Facts> {
  given.exclude("enable", "disable");
  const domain = await findDomain(connection, given.need("domain"));
  const cpumap = given.text("cpulist");
  for (const option of ["enable", "disable"]) {
    if (given.has(option) && cpumap === undefined)
      throw new PlainFailure(`Option --cpulist is required by option --${option}`);
  }
  if (cpumap === undefined) return valuesText(await domain.getGuestVcpus());
  const message = "One of options --enable or --disable is required by option --cpulist";
  await domain.setGuestVcpus({ cpumap, state: enabling(given, message) });
  return "";
}

/** Both files have it as text already. */
function setLaunchSecurity(domain: Domain, given: Given): Promise<unknown> {
  const [header, secret] = [given.text("secrethdr"), given.text("secret")];
  if (header === undefined || secret === undefined)
    throw new PlainFailure("Both secret and the secret header are required");
  const [headerText, secretText] = [readText(header), readText(secret)];
  const address = given.number("set-address");
  return domain.setLaunchSecurityState({
    "sev-secret-header": headerText,
    "sev-secret": secretText,
    ...(address !== undefined && { "sev-secret-set-address": { type: "ullong", value: BigInt(address) } as const }),
  });
}

/** What people script about what of the host's processors a domain has. */
export const schedulerVerbs: Verbs = {
  schedinfo: {
    help: "shows or says how a domain's processors are scheduled",
    parameters: ["domain", "set?..."],
    texts: ["weight#", "cap#"],
    flags: affects,
    show: schedinfo,
  },
  "cpu-stats": {
    help: "tells what of the host's processors a domain has used",
    parameters: ["domain", "start?#", "count?#"],
    flags: ["total"],
    failure: (given) => `Failed to retrieve CPU statistics for domain '${given.need("domain")}'`,
    show: cpuStats,
  },
  iothreadinfo: {
    help: "lists a domain's I/O threads",
    parameters: ["domain"],
    flags: affects,
    failure: () => "Unable to get domain IOThreads information",
    show: iothreads,
  },
  iothreadpin: change(
    "says where an I/O thread of a domain may run",
    ["iothread#", "cpulist"],
    async (domain, given, connection) => {
      const iothreadsId = given.number("iothread") ?? 0;
      const cpumap = mapOf(given.need("cpulist"), await hostCpus(connection));
      await domain.pinIothread({ iothreadsId, cpumap }, { flags: affected(given) });
    },
  ),
  iothreadadd: change("adds an I/O thread to a domain", ["id#"], (domain, given) =>
    domain.addIothread(threadOf(given, "id"), { flags: affected(given) }),
  ),
  iothreaddel: change("takes an I/O thread from a domain", ["id#"], (domain, given) =>
    domain.delIothread(threadOf(given, "id"), { flags: affected(given) }),
  ),
  iothreadset: change(
    "says how an I/O thread of a domain waits for work",
    ["id#", ...Object.keys(pollOptions).map((name) => `${name}?#`)],
    (domain, given) =>
      domain.setIothreadParams(
        { iothreadId: threadOf(given, "id"), params: pollWanted(given) },
        { flags: affected(given) },
      ),
  ),
  setvcpu: change(
    "plugs processors of a domain, or unplugs them",
    ["vcpulist"],
    (domain, given) => {
      const state = enabling(given, "one of --enable, --disable is required");
      return domain.setVcpu({ cpumap: given.need("vcpulist"), state }, { flags: affected(given) });
    },
    ["enable", "disable"],
  ),
  guestvcpus: {
    help: "shows or says which of its processors a guest uses",
    parameters: ["domain", "cpulist?"],
    flags: ["enable", "disable"],
    show: guestVcpus,
  },
  domsetlaunchsecstate: silent(
    "injects a secret into a guest's encrypted memory",
    ["set-address?#"],
    setLaunchSecurity,
    {
      texts: ["secrethdr", "secret"],
      failure: () => "Unable to set launch security state",
    },
  ),
  domlaunchsecinfo: {
    help: "says how a guest's memory is encrypted",
    parameters: ["domain"],
    failure: () => "Unable to get launch security parameters",
    show: async (connection, given) => {
      const object = await (await findDomain(connection, given.need("domain"))).getLaunchSecurityInfo();
      const lines = Object.entries(object).map(([name, value]) => `${name.padEnd(15)}: ${String(value)}\n`);
      return { text: lines.join(""), object };
    },
  },
  "domdirtyrate-calc": tell(
    "has it measured how fast a guest changes its memory",
    async (domain, given) => {
      const secondsOf = given.integer("seconds") ?? 1;
      const mode = given.text("mode");
      const bit = mode === undefined ? 0 : rateModes.indexOf(mode);
      if (bit < 0) throw new PlainFailure(`Unknown calculation mode '${mode}'`);
      await domain.startDirtyRateCalc(secondsOf, { flags: bit });
      return "Start to calculate domain's memory dirty rate successfully.";
    },
    { parameters: ["domain", "seconds?#", "mode?"] },
  ),
};
/** VIR_DOMAIN_DIRTYRATE_MODE_*: the bits 0, 1 and 2 of which 0 alone is the default. */
const rateModes = ["page-sampling", "dirty-bitmap", "dirty-ring"];
