import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { imageFormat } from "./image-format.ts";
import type { Part, Properties } from "./part.ts";
import { oneOf, unsupported } from "./reading.ts";
import { secretFor, secretId } from "./secrets.ts";
import { storageSource } from "./storage-source.ts";

/** What is said of all images of a disk. */
export interface ImageOptions {
  readonly target: string;
  readonly isReadOnly: boolean;
  readonly isCdrom: boolean;
  /** "none", "writeback", ...; undefined: QEMU's. */
  readonly cache: string | undefined;
  readonly aio: string | undefined;
  readonly discard: string | undefined;
  readonly detectZeroes: string | undefined;
}

export interface ImageChain {
  /** In the order in which they must be made: an image stands on its backing images. */
  readonly parts: readonly Part[];
  /** What a device attaches to. */
  readonly top: string;
}

export interface Image {
  /** "file", "block", "network". */
  readonly type: string;
  readonly format: string;
  readonly source: Element;
  /** 0 for the image that the guest writes. */
  readonly depth: number;
  /** What it stands on; null: nothing; undefined: what the image itself says. */
  readonly backing: string | null | undefined;
  readonly names: { readonly storage: string; readonly format: string };
}

/** More would be a circle, or somebody's joke. */
const longest = 200;

/**
 * The images of a disk, or of `<mirror>`, with those they stand on: `<driver type>`, `<source>` and `<backingStore>` of
 * `element`. Each is a node for its bytes and one for its format, named after the number that the live definition gives it.
 */
export function imageChain(element: Element, options: ImageOptions, context: GuestContext): ImageChain {
  const links = linksOf(element);
  const parts: Part[] = [];
  let backing: string | null | undefined;
  for (const [depth, link] of [...links.entries()].reverse()) {
    const names = nodeNames(link, options.target, depth);
    if (depth === links.length - 1) backing = link.endsChain ? null : undefined;
    parts.push(...imageParts({ ...link, depth, backing, names }, options, context));
    backing = names.format;
  }
  return { parts, top: backing ?? "" };
}

interface Link extends Pick<Image, "type" | "format" | "source"> {
  /** The number of the image among all of the guest's. */
  readonly index: string | undefined;
  readonly endsChain: boolean;
}

function linksOf(disk: Element): Link[] {
  const links: Link[] = [];
  let at: Element | undefined = disk;
  let format = disk.first("driver")?.attribute("type") ?? disk.first("format")?.attribute("type") ?? "raw";
  for (;;) {
    const source: Element | undefined = at.first("source");
    if (source === undefined) return links;
    if (links.length === longest) throw unsupported(`a chain of more than ${longest} images is not supported`);
    const below: Element | undefined = at.first("backingStore");
    const index = source.attribute("index") ?? at.attribute("index");
    links.push({ type: at.attribute("type") ?? "file", format, source, index, endsChain: below !== undefined });
    if (below?.attribute("type") === undefined) return links;
    at = below;
    format = below.first("format")?.attribute("type") ?? "raw";
  }
}

/** As libvirt calls them, for the sake of those who talk to QEMU themselves. QEMU takes 31 characters. */
function nodeNames({ index }: Link, target: string, depth: number): Image["names"] {
  const isNumbered = index !== undefined && /^\d{1,9}$/.test(index);
  const base = isNumbered ? `libvirt-${index}` : `${target.slice(0, 12)}${depth === 0 ? "" : `-${depth}`}`;
  return { storage: `${base}-storage`, format: `${base}-format` };
}

function imageParts(image: Image, options: ImageOptions, context: GuestContext): Part[] {
  const cache = cacheOf(options.cache);
  return [...storageParts(image, options, cache, context), ...imageFormat(image, options, cache, context)];
}

function storageParts(
  image: Image,
  options: ImageOptions,
  cache: Properties | undefined,
  context: GuestContext,
): Part[] {
  const { type, source, names } = image;
  const { properties, secrets = {} } = storageSource(type, source, (of) => secretFor(of, context), options.isCdrom);
  const ids = Object.keys(secrets).map((property) => [property, secretId(names.storage, property)] as const);
  const parts = ids.map(
    ([property, id]): Part => ({ kind: "secret", id, bytes: secrets[property] ?? new Uint8Array() }),
  );
  const common = {
    "node-name": names.storage,
    aio: type === "network" ? undefined : options.aio,
    cache,
    // It follows the format node, which a block job may make writable for a while.
    "auto-read-only": true,
    discard: "unmap",
  };
  return [...parts, { kind: "blockdev", properties: { ...properties, ...Object.fromEntries(ids), ...common } }];
}

/** Whether writes are cached is the device's business. */
function cacheOf(mode: string | undefined): Properties | undefined {
  if (mode === undefined || mode === "default") return undefined;
  const known = oneOf(mode, ["none", "writethrough", "writeback", "directsync", "unsafe"], "disk cache mode");
  return { direct: known === "none" || known === "directsync", "no-flush": known === "unsafe" };
}
