import { Element } from "../../../xml/index.ts";

/** Writes down that a disk's images between `above` and `below` are not used any more; absent: all to the end. */
export function cutChain(above: Element, below: Element | undefined): void {
  const store = above.first("backingStore");
  if (store !== undefined) above.children.splice(above.children.indexOf(store), 1);
  above.insertAfter(["format", "source"], below ?? new Element("backingStore"));
}

/** Makes one of a disk's own images the one that it reads and writes: those above it are not used any more. */
export function makeTop(disk: Element, image: Element): void {
  const source = image.first("source");
  const format = image.first("format")?.attribute("type");
  const type = image.attribute("type");
  const below = image.first("backingStore");
  if (source === undefined) return;
  const index = source.attribute("index") ?? image.attribute("index");
  replaceSource(disk, source.clone(), type, format, below?.clone());
  if (index !== undefined) disk.first("source")?.setAttribute("index", index);
}

/** Another image for a disk, with what it stands on. */
export function replaceSource(
  disk: Element,
  source: Element,
  type: string | undefined,
  format: string | undefined,
  below: Element | undefined,
): void {
  for (const name of ["source", "backingStore", "mirror"]) {
    const known = disk.first(name);
    if (known !== undefined) disk.children.splice(disk.children.indexOf(known), 1);
  }
  if (type !== undefined) disk.setAttribute("type", type);
  if (format !== undefined) disk.first("driver")?.setAttribute("type", format);
  disk.insertAfter(["auth", "driver"], source);
  disk.insertAfter(["source"], below ?? new Element("backingStore"));
}

/** Shows that a disk is being copied to another image; absent: not any more. */
export function setMirror(disk: Element, mirror: Element | undefined): void {
  const known = disk.first("mirror");
  if (known !== undefined) disk.children.splice(disk.children.indexOf(known), 1);
  if (mirror !== undefined) disk.insertAfter(["auth", "driver", "source", "backingStore"], mirror);
}

/** What an active commit shows of the image that it will end in. */
export function commitMirror(base: Element): Element {
  const source = (base.first("source") ?? new Element("source")).clone();
  const index = base.attribute("index");
  if (index !== undefined) source.setAttribute("index", index);
  const format = base.first("format")?.clone();
  const attributes = { type: base.attribute("type") ?? "file", job: "active-commit" };
  return new Element("mirror", attributes, [...(format === undefined ? [] : [format]), source]);
}

/** The same of an image that the definition does not show. */
export function plainCommitMirror(path: string, format: string): Element {
  const source = new Element("source", { file: path });
  return new Element("mirror", { type: "file", job: "active-commit" }, [
    new Element("format", { type: format }),
    source,
  ]);
}

/** What a copy shows of its destination, in both ways in which libvirt does. */
export function copyMirror(path: string, type: string, format: string, index: number): Element {
  const attributes = { type, file: path, format, job: "copy" };
  const source = new Element("source", { [type === "block" ? "dev" : "file"]: path, index: String(index) });
  const parts = [new Element("format", { type: format }), source, new Element("backingStore")];
  return new Element("mirror", attributes, parts);
}
