import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element, writeXml } from "../../xml/index.ts";
import type { ObjectDefinition } from "../objects/managed-object.ts";
import { fillChild, fillUuid, formatObject, readRoot, removeChildren, type Schema } from "../objects/object-xml.ts";
import { arrange, placesOf } from "../objects/xml-places.ts";
import { type PoolType, poolTypes } from "./pool-types.ts";

export interface PoolDefinition extends ObjectDefinition {
  readonly type: PoolType;
  /** Where its volumes are on the host; absent for those that are not below a directory. */
  readonly path: string | undefined;
}

/** What a pool can hold, in bytes. */
export interface PoolSizes {
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly available: bigint;
}

const schema: Schema = {
  root: "pool",
  domain: ErrorDomain.storage,
  place: "storage_pool_definition",
  children: placesOf({
    pool: ["name", "uuid", "capacity", "allocation", "available", "features", "source", "target"],
    source: "host device dir adapter name initiator format auth protocol vendor product".split(" "),
    target: ["path", "permissions"],
    permissions: ["mode", "owner", "group", "label"],
  }),
  attributes: placesOf({ adapter: ["type", "parent", "managed", "name"], host: ["name", "port"] }),
  opened: ["source"],
};

/** Reads a definition and brings it to libvirt's form. Throws VirError. */
export function parsePool(xml: string): PoolDefinition {
  return canonical(readRoot(xml, schema));
}

/** As `parsePool`, with volumes in it, which are left as XML. */
export function parseFilledPool(xml: string): { readonly pool: PoolDefinition; readonly volumes: readonly string[] } {
  const root = readRoot(xml, schema);
  const volumes = root.all("volume").map((volume) => writeXml(volume));
  removeChildren(root, "volume");
  return { pool: canonical(root), volumes };
}

function canonical(root: Element): PoolDefinition {
  const type = readType(root);
  removeChildren(root, "capacity", "allocation", "available");
  const source = fillChild(root, "source");
  const name = fillName(root, source);
  const uuid = fillUuid(root, ErrorCode.xmlError, ErrorDomain.storage);
  checkSource(source, type);
  const path = fillPath(root, source, type);
  arrange(root, schema.children, schema.attributes);
  return { name, uuid, root, type, path };
}

export function formatPool({ root }: PoolDefinition, sizes: PoolSizes): string {
  const copy = root.clone();
  const leaves = (["capacity", "allocation", "available"] as const).map((size) =>
    Element.leaf(size, String(sizes[size]), { unit: "bytes" }),
  );
  copy.children.push(...leaves);
  arrange(copy, schema.children, schema.attributes);
  return formatObject(copy, schema);
}

/** Whether both would take their volumes from the same place. */
export function sharesSource(one: PoolDefinition, other: PoolDefinition): boolean {
  if (one.type !== other.type) return false;
  const keys = one.type.identity.map((path) => {
    const [here, there] = [one, other].map(({ root }) => valueAt(root, path));
    return here !== undefined && here === there;
  });
  return keys.length > 0 && keys.every((same) => same);
}

function valueAt(root: Element, path: string): string | undefined {
  const [names = "", attribute] = path.split("@");
  const element = root.find(...names.split("/"));
  return attribute === undefined ? element?.text : element?.attribute(attribute);
}

function readType(root: Element): PoolType {
  const name = root.attribute("type");
  if (name === undefined)
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, "Missing required attribute 'type' in element 'pool'");
  const type = poolTypes.get(name);
  if (type !== undefined) return type;
  const detail = `Invalid value for attribute 'type' in element 'pool': '${name}'.`;
  throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}

/** A pool without a name has that of its source. */
function fillName(root: Element, source: Element): string {
  const name = root.first("name")?.text || source.first("name")?.text || "";
  if (name === "") throw failure("missing pool source name element");
  if (name.includes("/")) throw failure(`name ${name} cannot contain '/'`);
  if (root.first("name") === undefined) root.children.unshift(Element.leaf("name", name));
  return name;
}

function checkSource(source: Element, type: PoolType): void {
  const needs = new Map([
    ["host", "missing storage pool source host name"],
    ["dir", "missing storage pool source path"],
    ["device", "missing storage pool source device name"],
    ["adapter", "missing storage pool source adapter"],
  ]);
  for (const each of type.needs) if (source.first(each) === undefined) throw failure(needs.get(each) ?? each);
  if (type.format !== undefined && source.first("format") === undefined)
    source.children.push(new Element("format", { type: type.format }));
  const adapter = source.first("adapter");
  if (adapter !== undefined && adapter.attribute("type") === undefined) adapter.setAttribute("type", "scsi_host");
}

/** libvirt knows itself where some types have their volumes. */
function fillPath(root: Element, source: Element, type: PoolType): string | undefined {
  if (type.path === "none") {
    removeChildren(root, "target");
    return undefined;
  }
  const target = fillChild(root, "target");
  let path = target.first("path")?.text;
  if (type.path !== "given") path = `${type.path}${source.first("name")?.text ?? ""}`;
  if (path === undefined || path === "") throw failure("missing storage pool target path");
  const clean = path.replaceAll(/\/+/g, "/").replace(/(?<=.)\/$/, "");
  fillChild(target, "path").setText(clean);
  return clean;
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.storage, detail);
}
