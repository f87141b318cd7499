import { Element } from "../xml/index.ts";
import { readNumber } from "./objects/element-edit.ts";

/** How many drives hang on a controller of each kind, and on each of its buses. */
const drives: Readonly<Record<string, { readonly perController: number; readonly perBus: number }>> = {
  ide: { perController: 4, perBus: 2 },
  scsi: { perController: 7, perBus: 7 },
  sata: { perController: 6, perBus: 6 },
  fdc: { perController: 2, perBus: 2 },
};

/** Buses that follow from a disk's name. */
const buses: readonly (readonly [prefix: string, bus: string])[] = [
  ["hd", "ide"],
  ["sd", "scsi"],
  ["vd", "virtio"],
  ["xvd", "xen"],
  ["ubd", "uml"],
  ["fd", "fdc"],
];

/** The bus that follows from the name of a disk's target; undefined: none does. */
export function busOfName(name: string): string | undefined {
  return buses.find(([prefix]) => name.startsWith(prefix))?.[1];
}

/** vda is 0, vdz 25, vdaa 26; undefined: a name of another form. */
export function diskNumber(name: string): number | undefined {
  const letters = /^(?:hd|sd|vd|fd|xvd|ubd)([a-z]+)\d*$/.exec(name)?.[1];
  if (letters === undefined) return undefined;
  return Array.from(letters).reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1;
}

/** The controller of a bus that its drive with that number hangs on; undefined: its disks are no drives. */
export function driveController(bus: string, number: number): number | undefined {
  const kind = drives[bus];
  return kind && Math.floor(number / kind.perController);
}

/** The address of that drive. */
export function driveAddress(bus: string, number: number): Element | undefined {
  const kind = drives[bus];
  if (kind === undefined) return undefined;
  const place = number % kind.perController;
  return new Element("address", {
    type: "drive",
    controller: String(Math.floor(number / kind.perController)),
    bus: String(Math.floor(place / kind.perBus)),
    target: "0",
    unit: String(place % kind.perBus),
  });
}

/** The highest controller of a kind that disks hang on; undefined: none does. */
export function highestController(devices: Element, bus: string): number | undefined {
  const numbers = devices
    .all("disk")
    .filter((disk) => disk.first("target")?.attribute("bus") === bus)
    .map((disk) => readNumber(disk.first("address")?.attribute("controller")) ?? 0);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}
