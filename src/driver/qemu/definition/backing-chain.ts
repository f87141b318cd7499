import { dirname, resolve } from "node:path";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { readBackingImage } from "../image-header.ts";

const deepest = 200;

/** Gives every image of a guest its number, and shows what images stand on. Rejects with VirError. */
export async function describeImages(devices: Element): Promise<void> {
  let number = 0;
  // libvirt counts from the last disk to the first.
  for (const disk of devices.all("disk").toReversed()) {
    number = await describeDisk(disk, number + 1);
  }
}

/** The same for a disk that joins others which have their numbers. Rejects with VirError. */
export async function describeNewImage(devices: Element, disk: Element): Promise<void> {
  const numbers = devices.all("disk").flatMap(numbersOf);
  await describeDisk(disk, Math.max(0, ...numbers) + 1);
}

function numbersOf(disk: Element): number[] {
  const numbers = [Number(disk.first("source")?.attribute("index") ?? 0)];
  for (let store = disk.first("backingStore"); store !== undefined; store = store.first("backingStore")) {
    numbers.push(Number(store.attribute("index") ?? 0));
  }
  return numbers;
}

/** Its image gets `number`, and those below the next ones. Resolves to the last of them. */
async function describeDisk(disk: Element, number: number): Promise<number> {
  const source = disk.first("source");
  if (source === undefined) return number;
  source.setAttribute("index", String(number));
  if (disk.first("backingStore") === undefined) disk.children.push(await backingStore(disk, source));
  let last = number;
  for (let store = disk.first("backingStore"); store?.first("source"); store = store.first("backingStore")) {
    store.setAttribute("index", String(++last));
  }
  return last;
}

/** All that an image stands on; empty: nothing. */
async function backingStore(disk: Element, source: Element): Promise<Element> {
  const path = source.attribute("file") ?? source.attribute("dev");
  const format = disk.first("driver")?.attribute("type") ?? "raw";
  if (path === undefined || !["file", "block"].includes(disk.attribute("type") ?? ""))
    return new Element("backingStore");
  return storeBelow(path, format, 0);
}

async function storeBelow(path: string, format: string, depth: number): Promise<Element> {
  const image = await readImage(path, format);
  if (image === undefined) return new Element("backingStore");
  if (depth === deepest) throw failure(`backing chain of '${path}' is longer than ${deepest} images`);
  if (image.format === undefined) throw noFormat(image.name, path);
  if (/^(json|[a-z][\w+.-]*:\/\/)/i.test(image.name)) {
    throw failure(`'${path}' stands on '${image.name}': only files can be found by themselves, say <backingStore>`);
  }
  const below = resolve(dirname(path), image.name.replace(/^file:/, ""));
  return new Element("backingStore", { type: "file" }, [
    new Element("format", { type: image.format }),
    new Element("source", { file: below }),
    await storeBelow(below, image.format, depth + 1),
  ]);
}

async function readImage(path: string, format: string): ReturnType<typeof readBackingImage> {
  try {
    return await readBackingImage(path, format);
  } catch (error) {
    const { errno, code } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    const reason = code === "ENOENT" ? "No such file or directory" : code === "EACCES" ? "Permission denied" : code;
    throw VirError.system(ErrorDomain.storage, -errno, `Cannot access storage file '${path}': ${reason}`, error);
  }
}

/** A guess would let a guest name any file of the host. */
function noFormat(backing: string, path: string): VirError {
  const detail =
    `format of backing image '${backing}' of image '${path}' was not specified in the image metadata ` +
    "(See https://libvirt.org/kbase/backing_chains.html for troubleshooting)";
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.storage, detail);
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.storage, detail);
}
