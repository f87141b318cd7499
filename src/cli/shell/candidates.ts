import { type Connection, DomainDefinition } from "../../open/index.ts";
import { eventNames } from "../verbs/event-names.ts";
import { type Option, optionsOf } from "../verbs/read-args.ts";
import { allVerbs, findVerb } from "../verbs/verb-groups.ts";

/** What is there to be named: undefined where it cannot be asked. */
export type Reach = () => Promise<Connection | undefined>;

const uris = ["qemu:///system", "qemu:///session", "xen:///system", "test:///default"];

/**
 * What could stand at the end of a command line, and what of it is there already: verbs, options, and names of what the
 * hypervisor has; `more` are commands beside the verbs. Nothing where the shell knows better: files.
 */
export async function candidates(
  line: string,
  reach: Reach,
  more: readonly string[] = [],
): Promise<[found: string[], begun: string]> {
  const words = line.split(/\s+/).filter(Boolean);
  const begun = /\s$/.test(line) || line === "" ? "" : (words.pop() ?? "");
  const found = await possible(words, begun, reach, more);
  return [found.filter((each) => each.startsWith(begun)).sort(), begun];
}

async function possible(
  words: readonly string[],
  begun: string,
  reach: Reach,
  more: readonly string[],
): Promise<readonly string[]> {
  const before = words.at(-1);
  if (before === "-c" || before === "--connect") return uris;
  const [name, ...args] = withoutGlobal(words);
  if (name === undefined) return begun.startsWith("-") ? globalNames : [...Object.keys(await allVerbs()), ...more];
  const verb = await findVerb(name);
  if (verb === undefined) return [];
  const options = optionsOf(verb);
  const { given, next, awaited } = sort(options, args);
  if (awaited !== undefined) return valuesOf(awaited, given, reach);
  const values = next === undefined ? [] : await valuesOf(next, given, reach);
  const others = options.filter((each) => !given.has(each.name)).map((each) => `--${each.name}`);
  return begun.startsWith("-") ? others : values.length === 0 && next === undefined ? others : values;
}

const globalNames = ["--connect", "--keepalive-count", "--keepalive-interval", "--quiet", "--readonly", "--timing"];
/** Their values are words of their own. */
const valued = ["-c", "--connect", "-d", "--debug", "-k", "--keepalive-interval", "-K", "--keepalive-count"];

/** The verb, and what is behind it. */
function withoutGlobal(words: readonly string[]): string[] {
  const rest = [...words];
  while (rest[0]?.startsWith("-") === true) {
    const [first = ""] = rest.splice(0, 1);
    if (valued.includes(first)) rest.shift();
  }
  return rest;
}

interface Sorted {
  readonly given: ReadonlyMap<string, string>;
  /** Whose turn it is among those that need no name. */
  readonly next: Option | undefined;
  /** Whose name stands there already. */
  readonly awaited: Option | undefined;
}

function sort(options: readonly Option[], args: readonly string[]): Sorted {
  const given = new Map<string, string>();
  const placed = options.filter(({ place }) => place !== undefined);
  const nextOf = (): Option | undefined => placed.find(({ name, kind }) => kind === "list" || !given.has(name));
  let awaited: Option | undefined;
  for (const arg of args) {
    if (awaited !== undefined) {
      given.set(awaited.name, arg);
      awaited = undefined;
    } else if (arg.startsWith("--")) {
      const [name = "", value] = arg.slice(2).split("=", 2);
      const option = options.find((each) => each.name === name);
      if (option !== undefined && option.kind !== "flag" && value === undefined) awaited = option;
      else given.set(name, value ?? "");
    } else {
      const next = nextOf();
      if (next !== undefined) given.set(next.name, arg);
    }
  }
  return { given, next: nextOf(), awaited };
}

type Ask = (connection: Connection, given: ReadonlyMap<string, string>) => Promise<readonly string[]>;

const names = (objects: readonly { readonly name: string }[]): string[] => objects.map(({ name }) => name);

const devices =
  (read: (definition: DomainDefinition) => readonly (string | undefined)[]): Ask =>
  async (connection, given) => {
    const domain = await connection.domain(given.get("domain") ?? "");
    return read(DomainDefinition.parse(await domain.getXmlDesc())).filter((each) => each !== undefined);
  };
const disks = devices(({ disks }) => disks.map(({ target }) => target));

const cards = devices(({ root }) =>
  (root.first("devices")?.all("interface") ?? []).map((card) => card.first("target")?.attribute("dev")),
);
/** What is called so is a domain's in verbs that name one, and the host's in others. */
const ofDomain =
  (domains: Ask, hosts: Ask): Ask =>
  (connection, given) =>
    (given.has("domain") ? domains : hosts)(connection, given);

/** By the names of options. */
const asked: Readonly<Record<string, Ask>> = {
  domain: async (connection) => names(await connection.domains()),
  network: async (connection) => names(await connection.listAllNetworks()),
  pool: async (connection) => names(await connection.listAllStoragePools()),
  inputpool: async (connection) => names(await connection.listAllStoragePools()),
  vol: async (connection, given) => {
    const pool = given.get("pool");
    if (pool !== undefined) return names(await (await connection.storagePoolLookupByName(pool)).listAllVolumes());
    const pools = await connection.listAllStoragePools({ flags: "active" });
    const volumes = await Promise.all(pools.map((each) => each.listAllVolumes()));
    return Promise.all(volumes.flat().map((volume) => volume.getPath()));
  },
  snapshotname: async (connection, given) =>
    names(await (await connection.domain(given.get("domain") ?? "")).listAllSnapshots()),
  checkpointname: async (connection, given) =>
    names(await (await connection.domain(given.get("domain") ?? "")).listAllCheckpoints()),
  nwfilter: async (connection) => names(await connection.listAllNwfilters()),
  binding: async (connection) => (await connection.listAllNwfilterBindings()).map(({ portdev }) => portdev),
  secret: async (connection) => (await connection.listAllSecrets()).map(({ uuid }) => uuid),
  device: ofDomain(disks, async (connection) => names(await connection.listAllNodeDevices())),
  target: disks,
  path: disks,
  interface: ofDomain(cards, async (connection) => names(await connection.listAllInterfaces())),
};

async function valuesOf(
  { name }: Option,
  given: ReadonlyMap<string, string>,
  reach: Reach,
): Promise<readonly string[]> {
  if (name === "event") return Object.keys(eventNames);
  const ask = Object.hasOwn(asked, name) ? asked[name] : undefined;
  if (ask === undefined) return [];
  const connection = await reach();
  // What cannot be learnt is not proposed.
  return connection === undefined ? [] : ask(connection, given).catch(() => []);
}
