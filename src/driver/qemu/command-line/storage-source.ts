import type { Element } from "../../../xml/index.ts";
import { networkStorage } from "./network-storage.ts";
import type { Properties } from "./part.ts";
import { failure, unsupported } from "./reading.ts";

/** What a protocol node is made of, but for its name; secrets apart, by the property they belong to. */
export interface StorageSource {
  readonly properties: Properties & { readonly driver: string };
  /** By property of the node: the secret of which it holds the id. */
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
}

/** Where the bytes of an image come from. `type` is the disk's, or that of `<backingStore>`. */
export function storageSource(
  type: string,
  source: Element,
  secretOf: (source: Element) => Uint8Array,
  cdrom: boolean,
): StorageSource {
  if (type === "file") return { properties: { driver: "file", filename: path(source, "file") } };
  if (type === "block")
    return { properties: { driver: cdrom ? "host_cdrom" : "host_device", filename: path(source, "dev") } };
  if (type === "network") return networkStorage(source, secretOf);
  if (type === "vhostuser") throw unsupported("disk source of type 'vhostuser' is not supported");
  if (type === "nvme") return nvme(source);
  throw unsupported(`disk source of type '${type}' is not supported`);
}

function path(source: Element, name: string): string {
  const path = source.attribute(name);
  if (path === undefined || path === "") throw failure(`a disk source needs the attribute '${name}'`);
  return path;
}

function nvme(source: Element): never {
  throw unsupported(`disk source of type 'nvme' ('${source.attribute("namespace") ?? ""}') needs an IOMMU`);
}
