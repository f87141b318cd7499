import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { busOfName, diskNumber, driveAddress, driveController } from "../../drive-places.ts";
import { ensure, remove, setDefault } from "../../objects/element-edit.ts";
import { checkController } from "../../qemu/definition/limits.ts";

/** Fills in what libvirt's Xen driver fills in at a disk. Throws VirError. */
export function completeDisk(disk: Element): void {
  setDefault(disk, "type", "file");
  setDefault(disk, "device", "disk");
  if (disk.attribute("type") !== "volume") setDefault(ensure(disk, "driver"), "type", "raw");
  const target = ensure(disk, "target");
  const name = target.attribute("dev") ?? "";
  setDefault(target, "bus", busOfName(name) ?? "ide");
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
  const number = diskNumber(name);
  if (number === undefined || disk.first("address") !== undefined) return;
  checkController(driveController(bus, number) ?? 0);
  const address = driveAddress(bus, number);
  if (address !== undefined) disk.children.push(address);
}
