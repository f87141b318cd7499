import type { CallContext, DriverProcedures } from "../../driver/driver.ts";
import { spellUuid } from "../../driver/objects/object-xml.ts";
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

/**
 * The name that an object of this kind in the arguments really has: what counts for drivers is the uuid, and a caller may
 * write any name beside it. Undefined where the arguments do not tell. Rejects with the driver's error when there is no such object.
 */
export async function nameOfObject(kind: string, args: Args, source: NameSource): Promise<string | undefined> {
  const ref = refOf(kind, args);
  if (ref !== undefined) return trueName(kind, ref, source);
  // What is made of a definition gets its name from the driver.
  if (byName.has(kind)) return typeof args["name"] === "string" ? args["name"] : undefined;
  const xml = ["xml", "xmlDesc", "domXml"].map((key) => args[key]).find((each) => typeof each === "string");
  if (typeof xml !== "string") return undefined;
  const name = await nameInXml(kind, xml, source.pause);
  if (kind !== "storage_vol" || name === undefined) return name;
  const pool = await poolName(args["pool"] as Ref, source);
  return pool === undefined ? undefined : `${pool}/${name}`;
}

/** Undefined when another name stands beside its uuid: some drivers go by the one, some by the other. */
export async function poolName(
  { name, uuid = "" }: Ref,
  { procedures, context }: Pick<NameSource, "procedures" | "context">,
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
async function nameInXml(kind: string, xml: string, pause: Pause): Promise<string | undefined> {
  try {
    const { root } = await parseXmlInChunks(xml, pause);
    return nameInRoot(kind, root) || undefined;
  } catch (error) {
    if (error instanceof XmlError) return undefined;
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
