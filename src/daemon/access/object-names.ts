import type { CallContext, DriverProcedures } from "../../driver/driver.ts";
import { spellUuid } from "../../driver/objects/object-xml.ts";
import { ErrorCode, VirError } from "../../protocol/index.ts";
import { type Element, type Pause, parseXmlInChunks, XmlError } from "../../xml/index.ts";

type Args = Readonly<Record<string, unknown>>;
interface Ref {
  readonly name?: string;
  readonly uuid?: string;
  readonly pool?: string;
  readonly portdev?: string;
  readonly dom?: Ref;
  readonly net?: Ref;
}

export interface NameSource {
  readonly procedures: DriverProcedures;
  readonly context: CallContext;
  readonly pause: Pause;
}

/** Where the arguments have an object of the kind. */
const places: { readonly [kind: string]: readonly string[] } = {
  domain: ["dom", "snap", "snapshot", "checkpoint"],
  network: ["net", "network", "port"],
  network_port: ["network", "port"],
  storage_pool: ["pool"],
  storage_vol: ["vol"],
  interface: ["iface"],
  node_device: ["dev"],
  nwfilter: ["nwfilter"],
  nwfilter_binding: ["nwfilter"],
  secret: ["secret"],
};

type LookupSource = Pick<NameSource, "procedures" | "context">;

const missing: ReadonlySet<number> = new Set([
  ErrorCode.noDomain,
  ErrorCode.noNetwork,
  ErrorCode.noStoragePool,
  ErrorCode.noNwfilter,
]);

/** Rows in which the name itself stands for the object. */
const byName: ReadonlySet<string> = new Set(["node_device"]);

/** For the record, as the caller has named it; undefined when it has named none. */
export function namedObject(args: unknown): string | undefined {
  for (const [kind, keys] of Object.entries(places)) {
    const ref = refAt(kind, keys, args as Args);
    if (ref !== undefined)
      return ref.pool === undefined
        ? [ref.name ?? ref.portdev, ref.uuid].filter(Boolean).join(" ")
        : `${ref.pool}/${ref.name}`;
  }
  const { name, newName, from } = args as Args;
  return [name, newName, from].find((each) => typeof each === "string");
}

/** What an object is called; undefined where nobody knows. The uuid is a network's for its ports, and a pool's for its volumes. */
export interface Called {
  readonly name: string | undefined;
  readonly uuid?: string | undefined;
}

/**
 * What an object of this kind in the arguments is really called: what counts for drivers is the uuid, and a caller may
 * write any name beside it. Rejects with the driver's error when there is no such object.
 */
export async function calledIn(kind: string, args: Args, source: NameSource): Promise<Called> {
  const ref = refOf(kind, args);
  if (ref !== undefined) return { name: await trueName(kind, ref, source), uuid: await uuidOf(kind, ref, source) };
  // What is made of a definition gets its name from the driver.
  if (byName.has(kind)) return { name: typeof args["name"] === "string" ? args["name"] : undefined };
  const xml = ["xml", "xmlDesc", "domXml"].map((key) => args[key]).find((each) => typeof each === "string");
  if (typeof xml !== "string") return { name: undefined };
  const { name, uuid } = await calledInXml(kind, xml, source.pause);
  if (name === undefined) return { name, uuid };
  if (kind !== "storage_vol") return { name, uuid: uuid ?? (await uuidOfName(kind, name, source)) };
  const pool = args["pool"] as Ref;
  const nameOfPool = await poolName(pool, source);
  return nameOfPool === undefined ? { name: undefined } : { name: `${nameOfPool}/${name}`, uuid: pool.uuid };
}

/** Of an object as a driver has told it, or as the caller has named it. */
export async function uuidOf(kind: string, ref: Ref, source: LookupSource): Promise<string | undefined> {
  return kind === "storage_vol" ? uuidOfName("storage_pool", ref.pool ?? "", source) : listedUuid(ref);
}

/** Of an object in a list. */
export function listedUuid({ dom, net, uuid }: Ref): string | undefined {
  return dom?.uuid ?? net?.uuid ?? uuid;
}

/** Undefined when there is none of that name, or none of that kind has a uuid. */
async function uuidOfName(
  kind: string,
  name: string,
  { procedures, context }: LookupSource,
): Promise<string | undefined> {
  try {
    if (kind === "domain") return (await procedures.domainLookupByName?.({ name }, context))?.dom.uuid;
    if (kind === "network") return (await procedures.networkLookupByName?.({ name }, context))?.net.uuid;
    if (kind === "storage_pool") return (await procedures.storagePoolLookupByName?.({ name }, context))?.pool.uuid;
    if (kind === "nwfilter") return (await procedures.nwfilterLookupByName?.({ name }, context))?.nwfilter.uuid;
    return undefined;
  } catch (error) {
    if (error instanceof VirError && missing.has(error.code)) return undefined;
    throw error;
  }
}

/** Undefined when another name stands beside its uuid: some drivers go by the one, some by the other. */
export async function poolName(
  { name, uuid = "" }: Ref,
  { procedures, context }: LookupSource,
): Promise<string | undefined> {
  const found = (await procedures.storagePoolLookupByUuid?.({ uuid }, context))?.pool.name;
  return found === name ? found : undefined;
}

/** The object of a kind in the arguments, as the caller has named it. */
export function refOf(kind: string, args: Args): Ref | undefined {
  return refAt(kind, places[kind] ?? [], args);
}

function refAt(kind: string, keys: readonly string[], args: Args): Ref | undefined {
  const found = keys.map((key) => args[key]).find((each) => typeof each === "object" && each !== null) as
    | Ref
    | undefined;
  if (kind === "domain") return found?.dom ?? found;
  return kind.startsWith("network") ? (found?.net ?? found) : found;
}

async function trueName(kind: string, ref: Ref, source: NameSource): Promise<string | undefined> {
  const { procedures, context } = source;
  const { uuid = "" } = ref;
  if (kind === "domain") return (await procedures.domainLookupByUuid?.({ uuid }, context))?.dom.name;
  if (kind.startsWith("network")) return (await procedures.networkLookupByUuid?.({ uuid }, context))?.net.name;
  if (kind === "storage_pool") return poolName(ref, source);
  if (kind === "nwfilter") return (await procedures.nwfilterLookupByUuid?.({ uuid }, context))?.nwfilter.name;
  return listedName(kind, ref);
}

/** Of an object as a driver has told it. */
export function listedName(kind: string, ref: Ref): string | undefined {
  if (kind === "domain") return (ref.dom ?? ref).name;
  if (kind === "storage_vol") return `${ref.pool}/${ref.name}`;
  if (kind === "network_port") return ref.net?.name;
  if (kind === "nwfilter_binding") return ref.portdev;
  return kind === "secret" ? ref.uuid : ref.name;
}

/** Undefined when the text is no definition, or has no name of its own: what the driver makes of it is not known then. */
async function calledInXml(kind: string, xml: string, pause: Pause): Promise<Called> {
  try {
    const { root } = await parseXmlInChunks(xml, pause);
    return { name: nameInRoot(kind, root) || undefined, uuid: spellUuid(root.first("uuid")?.text ?? "") };
  } catch (error) {
    if (error instanceof XmlError) return { name: undefined };
    throw error;
  }
}

/** Where the driver reads it, and nowhere else. */
function nameInRoot(kind: string, root: Element): string | undefined {
  if (kind === "nwfilter" || kind === "interface") return root.attribute("name");
  if (kind === "nwfilter_binding") return root.first("portdev")?.attribute("name");
  if (kind === "secret") return spellUuid(root.first("uuid")?.text ?? "");
  return root.first("name")?.text;
}
