import type { Element } from "../../../xml/index.ts";
import { number } from "./reading.ts";

/** What each of `<boot dev='...'/>` means: the first such device. */
const kinds: Readonly<Record<string, (element: Element) => boolean>> = {
  hd: (element) => element.name === "disk" && ["disk", "lun"].includes(element.attribute("device") ?? "disk"),
  cdrom: (element) => element.name === "disk" && element.attribute("device") === "cdrom",
  fd: (element) => element.name === "disk" && element.attribute("device") === "floppy",
  network: (element) => element.name === "interface",
};

/** The place of each device that can be booted from, counted from 1. */
export function bootIndexes(root: Element): Map<Element, number> {
  const devices = root.first("devices")?.elements() ?? [];
  const own = devices.flatMap((device): [Element, number][] => {
    const order = number(device.first("boot"), "order");
    return order === undefined ? [] : [[device, order]];
  });
  if (own.length > 0) return new Map(own);
  const wanted = root.first("os")?.all("boot") ?? [];
  // Nothing is said, as in definitions that nobody has completed: the disks, as they come.
  if (wanted.length === 0)
    return new Map(devices.filter(({ name }) => name === "disk").map((disk, place) => [disk, place + 1]));
  const indexes = new Map<Element, number>();
  for (const [place, boot] of wanted.entries()) {
    const first = devices.find(kinds[boot.attribute("dev") ?? "hd"] ?? (() => false));
    if (first !== undefined && !indexes.has(first)) indexes.set(first, place + 1);
  }
  return indexes;
}
