import { Element } from "../../../xml/index.ts";
import { type Part, partsOf } from "../command-line/index.ts";
import { describeNewImage } from "../definition/backing-chain.ts";
import { aliasOf, sourceOf, targetOf } from "../devices-of.ts";
import type { Guests } from "../guests.ts";
import { type Change, changed } from "../modification.ts";
import type { Run } from "../run.ts";
import { filesOfDevice } from "../security/guest-files.ts";
import { checkImage } from "./attach.ts";
import { addParts, removeParts } from "./parts-on-monitor.ts";

/**
 * Puts another medium into a drive of the run, or none. With `force` a tray that the guest has locked is opened all the
 * same. Rejects with VirError and as `Run.execute`.
 */
export async function changeMedium(
  guests: Guests,
  change: Change,
  drive: Element,
  wanted: Element,
  force: boolean,
): Promise<void> {
  const { run, targets } = change;
  if (run === undefined || targets.live === undefined || sourceOf(drive) === sourceOf(wanted)) return;
  await checkImage(wanted);
  const medium = await mediumOf(targets.live.root.first("devices"), wanted);
  const files = medium === undefined ? [] : filesOfDevice(withReadOnly(medium, drive));
  await guests.lending.during(run, files, () => exchange(guests, change, run, drive, medium, force));
}

/** A drive that only reads does so whatever its medium says. */
function withReadOnly(medium: Element, drive: Element): Element {
  const copy = medium.clone();
  if (drive.first("readonly") !== undefined && copy.first("readonly") === undefined)
    copy.children.push(new Element("readonly"));
  return copy;
}

async function exchange(
  guests: Guests,
  change: Change,
  run: Run,
  drive: Element,
  medium: Element | undefined,
  force: boolean,
): Promise<void> {
  const { targets, timeoutMs } = change;
  if (targets.live === undefined) return;
  const target = targetOf(drive);
  const next = changed(targets.live, (root) => setMedium(root, target, medium));
  const added = imageParts(guests, next, target);
  const removed = imageParts(guests, targets.live, target);
  const id = aliasOf(drive);
  await run.execute("blockdev-open-tray", { id, force }, timeoutMs);
  if (sourceOf(drive) !== undefined) {
    await run.execute("blockdev-remove-medium", { id }, timeoutMs);
    await removeParts(run, removed, timeoutMs);
    change.describe((root) => setMedium(root, target, undefined));
  }
  if (medium !== undefined) {
    await addParts(run, added, timeoutMs);
    try {
      await run.execute("blockdev-insert-medium", { id, "node-name": topOf(added) }, timeoutMs);
    } catch (error) {
      await removeParts(run, added, timeoutMs);
      throw error;
    }
  }
  change.describe((root) => setMedium(root, target, medium));
  await run.execute("blockdev-close-tray", { id }, timeoutMs);
}

/** What a drive shows of its medium: source, format and what that stands on, numbered as new images are. */
async function mediumOf(devices: Element | undefined, wanted: Element): Promise<Element | undefined> {
  if (wanted.first("source") === undefined || devices === undefined) return undefined;
  const medium = wanted.clone();
  medium.first("source")?.removeAttribute("index");
  await describeNewImage(devices, medium);
  return medium;
}

/** Gives a drive of a definition the medium of another disk element, or none. */
export function setMedium(root: Element, target: string, medium: Element | undefined): void {
  const disk = root
    .first("devices")
    ?.all("disk")
    .find((each) => targetOf(each) === target);
  if (disk === undefined) return;
  for (const name of ["source", "backingStore"]) {
    const known = disk.first(name);
    if (known !== undefined) disk.children.splice(disk.children.indexOf(known), 1);
    const given = medium?.first(name);
    if (given !== undefined) disk.children.push(given.clone());
  }
  const type = medium?.attribute("type");
  if (type !== undefined) disk.setAttribute("type", type);
  const driver = disk.first("driver");
  if (medium === undefined) driver?.removeAttribute("type");
  else driver?.setAttribute("type", medium.first("driver")?.attribute("type") ?? "raw");
}

/** What makes a drive's images in QEMU, without the drive. */
function imageParts(guests: Guests, definition: Parameters<Guests["contextOf"]>[0], target: string): Part[] {
  const context = guests.contextOf(definition);
  const disk = context.all("disk").find((each) => targetOf(each) === target);
  if (disk?.first("source") === undefined) return [];
  return partsOf(disk, context).filter(({ kind }) => kind === "blockdev" || kind === "secret");
}

/** The last one is what a drive attaches to. */
function topOf(parts: readonly Part[]): string {
  const top = parts.findLast((part) => part.kind === "blockdev");
  return top?.kind === "blockdev" ? top.properties["node-name"] : "";
}
