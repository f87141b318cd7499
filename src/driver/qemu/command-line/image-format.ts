import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import type { Image, ImageOptions } from "./image-chain.ts";
import type { Part, Properties } from "./part.ts";
import { bytes, oneOf, unsupported } from "./reading.ts";
import { secretFor, secretId } from "./secrets.ts";

/** What QEMU 7.2 reads; `luks` is what is encrypted as a whole. */
const formats = "raw qcow2 qcow qed vdi vmdk vpc vhdx dmg bochs cloop parallels luks".split(" ");
const withBacking = ["qcow2", "qcow", "qed", "vmdk"];

/** The node that knows the format of an image, over the one of its bytes. */
export function imageFormat(
  image: Image,
  options: ImageOptions,
  cache: Properties | undefined,
  context: GuestContext,
): Part[] {
  const { format, source, depth, names } = image;
  if (!formats.includes(format)) throw unsupported(`disk '${options.target}': format '${format}' is not supported`);
  const { driver, properties, parts } = encryption(image, context);
  const own = depth === 0 ? { discard: options.discard, "detect-zeroes": options.detectZeroes } : {};
  const node = {
    driver,
    "node-name": names.format,
    file: names.storage,
    "read-only": options.isReadOnly || depth > 0,
    cache,
    ...own,
    backing: withBacking.includes(format) ? image.backing : undefined,
    "cache-size": metadataCache(source, format),
    ...slice(source, format),
    ...properties,
  };
  return [...parts, { kind: "blockdev", properties: node }];
}

/** The only part of an image, from a byte to another. */
function slice(source: Element, format: string): Properties {
  const slice = source.first("slices")?.first("slice");
  if (slice === undefined) return {};
  if (format !== "raw") throw unsupported(`a slice of an image of format '${format}' is not supported`);
  return { offset: Number(slice.attribute("offset") ?? 0), size: Number(slice.attribute("size") ?? 0) };
}

function metadataCache(source: Element, format: string): number | undefined {
  const size = source.first("metadata_cache")?.first("max_size");
  return size === undefined || format !== "qcow2" ? undefined : bytes(size);
}

/** LUKS: within qcow2, or around what is raw. */
function encryption(
  { source, format, names }: Image,
  context: GuestContext,
): { readonly driver: string; readonly properties: Properties; readonly parts: readonly Part[] } {
  const element = source.first("encryption");
  if (element === undefined) return { driver: format, properties: {}, parts: [] };
  oneOf(element.attribute("format") ?? "", ["luks"], "disk encryption format");
  const id = secretId(names.format, "encryption");
  const parts: Part[] = [{ kind: "secret", id, bytes: secretFor(element, context) }];
  if (format === "qcow2") {
    return { driver: format, properties: { encrypt: { format: "luks", "key-secret": id } }, parts };
  }
  if (format === "raw" || format === "luks") return { driver: "luks", properties: { "key-secret": id }, parts };
  throw unsupported(`encryption of an image of format '${format}' is not supported`);
}
