import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { queryAnswer } from "../device/disk-nodes.ts";
import { sourceOf, targetOf } from "../devices-of.ts";
import type { Run } from "../run.ts";
import type { BlockAnswer } from "../statistics/block-counters.ts";
import type { BlockNode } from "../statistics/block-group.ts";

/** An image of a disk: its own is the first of its chain, the one that all stands on the last. */
export interface Image {
  readonly node: string;
  readonly path: string | undefined;
  /** "qcow2", "raw". */
  readonly format: string;
  /** As `vda[2]` names it. */
  readonly index: number | undefined;
}

/** The images of a disk as QEMU has them now, from the top. Rejects as `Run.execute`. */
export async function imagesOf(run: Run, disk: Element, timeoutMs: number): Promise<Image[]> {
  const answer = await queryAnswer(run, disk, timeoutMs);
  if (answer === undefined) return [];
  const nodes = (await run.execute("query-named-block-nodes", { flat: true }, timeoutMs)) as readonly (BlockNode & {
    readonly file?: string;
    readonly drv?: string;
  })[];
  const images: Image[] = [];
  let element: Element | undefined = disk;
  for (let at: BlockAnswer | undefined = answer; at !== undefined; at = at.backing) {
    const name = at["node-name"];
    // Something that QEMU has put between, a throttle say, has no image of its own.
    if (name === undefined) continue;
    const known = element === undefined ? undefined : sourceOf(element);
    const node = nodes.find((each) => each["node-name"] === name);
    const path = known ?? node?.file;
    const index = element?.first("source")?.attribute("index") ?? element?.attribute("index");
    images.push({
      node: name,
      path,
      format: node?.drv ?? "raw",
      index: index === undefined ? undefined : Number(index),
    });
    element = element?.first("backingStore");
  }
  return images;
}

/** One of the images by its path or as "vda[2]", below another if need be. Throws VirError. */
export function findImage(images: readonly Image[], disk: Element, name: string, below?: Image): Image {
  const from = below === undefined ? 0 : images.indexOf(below) + 1;
  const [, target, number] = /^(\w+)\[(\d+)\]$/.exec(name) ?? [];
  const isMeant = ({ path, index }: Image): boolean =>
    number === undefined ? path === name : target === targetOf(disk) && index === Number(number);
  const found = images.slice(from).find(isMeant);
  if (found !== undefined) return found;
  const where = below === undefined ? "" : ` beneath '${below.path ?? ""}'`;
  const detail = `could not find image '${name}'${where} in chain for '${targetOf(disk)}'`;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.storage, detail);
}

/** The elements of a disk's images, from the top: the disk, and each backing store that has a source. */
export function imageElements(disk: Element): Element[] {
  const elements = [disk];
  for (let at = disk.first("backingStore"); at?.first("source") !== undefined; at = at.first("backingStore")) {
    elements.push(at);
  }
  return elements;
}
