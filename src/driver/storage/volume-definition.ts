import { bytesPer } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import { fillChild, formatObject, readRoot, removeChildren, type Schema } from "../objects/object-xml.ts";
import { arrange, placesOf } from "../objects/xml-places.ts";
import type { PoolDefinition } from "./pool-definition.ts";
import type { PoolType } from "./pool-types.ts";

/** A disk to be, inside a pool. */
export interface Volume {
  readonly name: string;
  /** Also its path on the host. */
  readonly key: string;
  /** Sizes are in bytes. */
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly root: Element;
}

const schema: Schema = {
  root: "volume",
  domain: ErrorDomain.storage,
  place: "storage_volume_definition",
  children: placesOf({
    volume: ["name", "key", "source", "capacity", "allocation", "physical", "target", "backingStore"],
    target: ["path", "format", "permissions", "timestamps", "encryption", "compat", "nocow", "clusterSize", "features"],
    backingStore: ["path", "format", "permissions"],
    permissions: ["mode", "owner", "group", "label"],
  }),
  attributes: placesOf({}),
  opened: ["source"],
};

const types = ["file", "block", "dir", "network", "netdir", "ploop"];

/** Reads what a volume is to be in that pool. `otherwise`: its capacity when the XML has none. Throws VirError. */
export function parseVolume(xml: string, pool: PoolDefinition, otherwise?: bigint): Volume {
  const root = readRoot(xml, schema);
  const type = root.attribute("type") ?? "file";
  if (!types.includes(type)) throw failure(ErrorCode.configUnsupported, `unknown volume type '${type}'`);
  root.setAttribute("type", "file");
  const name = root.first("name")?.text ?? "";
  if (name === "") throw failure(ErrorCode.xmlError, "missing volume name element");
  const capacity = readBytes(root.first("capacity")) ?? otherwise;
  if (capacity === undefined) throw failure(ErrorCode.xmlError, "missing capacity element");
  const allocation = readBytes(root.first("allocation")) ?? capacity;
  // libvirt's own test hypervisor writes "(null)" where a pool has no path.
  const key = `${pool.path ?? "(null)"}/${name}`;
  removeChildren(root, "key", "capacity", "allocation", "physical");
  root.children.push(Element.leaf("key", key), bytes("capacity", capacity), bytes("allocation", allocation));
  fillChild(fillChild(root, "target"), "path").setText(key);
  for (const each of [root.first("target"), root.first("backingStore")]) fillFormat(each, pool.type);
  arrange(root, schema.children, schema.attributes);
  return { name, key, capacity, allocation, root };
}

export function formatVolume({ root }: Volume): string {
  return formatObject(root, schema);
}

function fillFormat(place: Element | undefined, { volumeFormats }: PoolType): void {
  if (place === undefined) return;
  if (volumeFormats === undefined) return removeChildren(place, "format");
  const type = place.first("format")?.attribute("type");
  if (type === undefined) place.children.push(new Element("format", { type: volumeFormats[0] ?? "raw" }));
  else if (!volumeFormats.includes(type))
    throw failure(ErrorCode.configUnsupported, `unknown volume format type ${type}`);
}

/** The size in bytes; that is the unit where none is given. */
function readBytes(element: Element | undefined): bigint | undefined {
  if (element === undefined) return undefined;
  const text = element.text.trim();
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 2n ** 64n) {
    throw failure(ErrorCode.xmlError, "malformed capacity element");
  }
  const size = BigInt(text) * bytesPer(element.attribute("unit") ?? "bytes");
  if (size < 2n ** 63n) return size;
  throw VirError.of(ErrorCode.overflow, ErrorDomain.none, `value too large: ${text}${element.attribute("unit") ?? ""}`);
}

function bytes(name: string, value: bigint): Element {
  return Element.leaf(name, String(value), { unit: "bytes" });
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.storage, detail);
}
