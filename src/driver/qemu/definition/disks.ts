import { bytesPer } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { busOfName, diskNumber, driveAddress, driveController } from "../../drive-places.ts";
import { ensure, remove, setDefault } from "../../objects/element-edit.ts";
import { checkController } from "./limits.ts";
import type { MachineType } from "./machine-type.ts";
import { readPciAddress, writePciAddress } from "./pci/pci-address.ts";

/** Fills in what libvirt's QEMU driver fills in at a disk. Throws VirError. */
export function completeDisk(disk: Element, machine: MachineType): void {
  setDefault(disk, "type", "file");
  setDefault(disk, "device", "disk");
  completeDriver(disk);
  const target = ensure(disk, "target");
  const bus = target.attribute("bus") ?? busOf(disk);
  target.setAttribute("bus", bus);
  check(disk, bus, machine);
  const isReadOnly = ["cdrom"].includes(disk.attribute("device") ?? "");
  if (isReadOnly) ensure(disk, "readonly");
  if (disk.attribute("type") === "vhostuser") setDefault(disk, "snapshot", "no");
  if (disk.attribute("snapshot") === "no" && disk.first("readonly") !== undefined) disk.removeAttribute("snapshot");
  completeSource(disk);
  for (const encryption of [disk.first("encryption"), disk.find("source", "encryption")]) {
    if (encryption !== undefined) setDefault(encryption, "engine", "qemu");
  }
  addDriveAddress(disk, bus);
}

function completeDriver(disk: Element): void {
  const driver = ensure(disk, "driver");
  setDefault(driver, "name", "qemu");
  const type = disk.attribute("type");
  if (type !== "volume") setDefault(driver, "type", type === "dir" ? "fat" : "raw");
  for (const name of ["cache", "error_policy", "rerror_policy", "io"]) {
    if (driver.attribute(name) === "default") driver.removeAttribute(name);
  }
  const size = driver.find("metadata_cache", "max_size");
  if (size === undefined) return;
  const text = size.text.trim();
  if (!/^\d{1,20}$/.test(text)) {
    const detail = `Invalid value '${text}' for element or attribute './metadata_cache/max_size[1]'`;
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
  }
  const bytes = BigInt(text) * bytesPer(size.attribute("unit") ?? "bytes");
  size.setAttribute("unit", "bytes");
  size.setText(String(bytes));
}

/** The name given to an image belongs to a run. A disk without an image has no source. */
function completeSource(disk: Element): void {
  const source = disk.first("source");
  if (source === undefined) return;
  source.removeAttribute("index");
  if (source.attributes.length === 0 && source.elements().length === 0) remove(disk, source);
  const place = source.first("address");
  const address = place && readPciAddress(place);
  if (place !== undefined && address !== undefined) writePciAddress(place, address);
  if (disk.attribute("type") === "nvme") setDefault(source, "managed", "yes");
  const name = source.attribute("name");
  // A target's first unit.
  if (source.attribute("protocol") === "iscsi" && name?.includes("/") === false) {
    source.setAttribute("name", `${name}/0`);
  }
}

function busOf(disk: Element): string {
  if (disk.attribute("device") === "floppy") return "fdc";
  return busOfName(nameOf(disk)) ?? "ide";
}

function check(disk: Element, bus: string, { isQ35, name, arch }: MachineType): void {
  if (bus === "ide" && isQ35) {
    const detail = "IDE controllers are unsupported for this QEMU binary or machine type";
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
  }
  const device = disk.attribute("device") ?? "disk";
  if ((device === "floppy") !== (bus === "fdc")) {
    const detail = `Invalid bus type '${bus}' for ${device === "floppy" ? "floppy disk" : "disk"}`;
    throw VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
  }
  if (!["ide", "fdc", "scsi", "virtio", "usb", "sata", "sd"].includes(bus)) {
    const detail = `disk device='${device}' on bus '${bus}' is not supported by machine '${name}' of ${arch}`;
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
  }
}

function addDriveAddress(disk: Element, bus: string): void {
  const number = diskNumber(nameOf(disk));
  if (number === undefined || disk.first("address") !== undefined) return;
  checkController(driveController(bus, number) ?? 0);
  const address = driveAddress(bus, number);
  if (address !== undefined) disk.children.push(address);
}

/** Bus by bus, in the order of their first disks as they were written, and those of a bus by their names. */
export function sortDisks(disks: readonly Element[]): Element[] {
  const numbers = new Map(disks.map((disk) => [disk, diskNumber(nameOf(disk)) ?? -1]));
  const byBus = Map.groupBy(disks, (disk) => disk.first("target")?.attribute("bus"));
  return [...byBus.values()].flatMap((all) =>
    all.toSorted((one, other) => (numbers.get(one) ?? 0) - (numbers.get(other) ?? 0)),
  );
}

function nameOf(disk: Element): string {
  return disk.first("target")?.attribute("dev") ?? "";
}
