import type { Domain } from "../../model/index.ts";
import type { Element } from "../../xml/index.ts";
import { aliasOf, devicesOf, sourceOf } from "./devices-of.ts";

/** The disk that an event of QEMU's speaks of, by the name of its device, or by a path that ends in it. */
export function diskNamed({ definition }: Domain, id: unknown): Element | undefined {
  const names = String(id).split("/");
  return definition && devicesOf(definition, "disk").find((disk) => names.includes(aliasOf(disk)));
}

/** An image of a disk's. */
export interface DiskImage {
  readonly disk: Element;
  /** Its number, where it is not the disk's own but one that this stands on. */
  readonly place: string | undefined;
  readonly path: string | undefined;
}

/** The image that a node of QEMU's is of. */
export function diskOfNode({ definition }: Domain, node: string): DiskImage | undefined {
  const index = /^libvirt-(\d+)-/.exec(node)?.[1];
  for (const disk of definition === undefined ? [] : devicesOf(definition, "disk")) {
    let store: Element | undefined = disk;
    for (let depth = 0; store !== undefined; depth++, store = store.first("backingStore")) {
      const own = store.first("source")?.attribute("index") ?? store.attribute("index");
      if (index === undefined || own !== index) continue;
      return { disk, place: depth === 0 ? undefined : index, path: sourceOf(store) };
    }
  }
  return undefined;
}
