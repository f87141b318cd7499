import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, readNumber, remove, setDefault } from "../../objects/element-edit.ts";
import { diskNumber } from "../../qemu/definition/disks.ts";
import { checkController } from "../../qemu/definition/limits.ts";

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

/** Fills in what libvirt's Xen driver fills in at a disk. Throws VirError. */
export function completeDisk(disk: Element): void {
  setDefault(disk, "type", "file");
  setDefault(disk, "device", "disk");
  if (disk.attribute("type") !== "volume") setDefault(ensure(disk, "driver"), "type", "raw");
  const target = ensure(disk, "target");
  const name = target.attribute("dev") ?? "";
  setDefault(target, "bus", buses.find(([prefix]) => name.startsWith(prefix))?.[1] ?? "ide");
  const device = disk.attribute("device") ?? "disk";
  if (device === "cdrom") ensure(disk, "readonly");
  const source = disk.first("source");
  source?.removeAttribute("index");
  if (source?.attributes.length === 0 && source.elements().length === 0) remove(disk, source);
  if (disk.first("source") === undefined && device !== "cdrom" && device !== "floppy") throw noSource(name);
  addDriveAddress(disk, target.attribute("bus") ?? "", name);
}

function noSource(name: string): VirError {
  const str1 = "missing source information for device %s";
  const fields = { code: ErrorCode.noSource, domain: ErrorDomain.domain, str1, str2: name };
  return new VirError(
    str1.replace("%s", () => name),
    fields,
  );
}

function addDriveAddress(disk: Element, bus: string, name: string): void {
  const kind = drives[bus];
  const index = diskNumber(name);
  if (kind === undefined || index === undefined || disk.first("address") !== undefined) return;
  const controller = Math.floor(index / kind.perController);
  checkController(controller);
  const place = index % kind.perController;
  const numbers = { controller, bus: Math.floor(place / kind.perBus), target: 0, unit: place % kind.perBus };
  const attributes = Object.entries(numbers).map(([key, value]) => [key, String(value)] as const);
  disk.children.push(new Element("address", { type: "drive", ...Object.fromEntries(attributes) }));
}

/** The highest controller of a kind that disks hang on; undefined: none does. */
export function highestController(devices: Element, bus: string): number | undefined {
  const numbers = devices
    .all("disk")
    .filter((disk) => disk.first("target")?.attribute("bus") === bus)
    .map((disk) => readNumber(disk.first("address")?.attribute("controller")) ?? 0);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}
