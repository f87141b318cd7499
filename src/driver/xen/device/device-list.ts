import type { Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { findDevice } from "../../domain-device.ts";
import { ensure, remove, reorder } from "../../objects/element-edit.ts";
import { sortDisks } from "../../qemu/definition/disks.ts";
import { theDevice } from "../../qemu/device/find-device.ts";
import { targetOf } from "../../qemu/devices-of.ts";
import { completeDefinition } from "../definition/complete.ts";
import { unsupported } from "../errors.ts";

const kinds: readonly string[] = ["disk", "interface", "hostdev", "controller"];

/** The persistent definition with a device more. Throws VirError. */
export function withDevice(config: Definition, wanted: Element): Definition {
  if (!kinds.includes(wanted.name)) throw unsupported("persistent attach of device is not supported");
  return config.with((root) => {
    const devices = ensure(root, "devices");
    checkNew(devices, wanted);
    devices.children.push(wanted.clone());
  }, completeDefinition);
}

/** Two of them would be the same. Cards without an address of their own have one by now. */
function checkNew(devices: Element, wanted: Element): void {
  if (wanted.name === "interface" || findDevice(devices, wanted, ErrorDomain.libxl) === undefined) return;
  if (wanted.name === "disk") throw failure(ErrorCode.invalidArg, `target ${targetOf(wanted)} already exists.`);
  if (wanted.name === "controller") throw failure(ErrorCode.operationInvalid, "Target already exists");
  throw failure(ErrorCode.operationFailed, "device is already in the domain configuration");
}

/** The persistent definition without a device. Throws VirError. */
export function withoutDevice(config: Definition, wanted: Element): Definition {
  if (!kinds.includes(wanted.name)) throw unsupported("persistent detach of device is not supported");
  return config.with((root) => dropDevice(root, wanted, missingInConfig), completeDefinition);
}

function missingInConfig(wanted: Element): VirError {
  if (wanted.name === "disk") return failure(ErrorCode.invalidArg, `no target device ${targetOf(wanted)}`);
  return failure(ErrorCode.operationInvalid, "device not present in domain configuration");
}

/** Puts a device among those of a guest that runs. */
export function addDevice(root: Element, device: Element): void {
  const devices = ensure(root, "devices");
  devices.children.push(device.clone());
  reorder(devices, "disk", sortDisks(devices.all("disk")));
}

/** Disks and interfaces that are not `there` go, those that are only there come, and the rest stays as it was described. */
export function matchDevices(root: Element, there: readonly Element[]): void {
  const devices = ensure(root, "devices");
  const known = there.map((device) => findDevice(devices, device, ErrorDomain.libxl));
  const missing = there.filter((_device, at) => known[at] === undefined);
  for (const own of [...devices.all("disk"), ...devices.all("interface")]) {
    if (!known.includes(own)) remove(devices, own);
  }
  for (const device of missing) addDevice(root, device);
}

/** Takes a device out. Throws VirError, by `missing` unless it is an interface, when it is not there. */
export function dropDevice(root: Element, wanted: Element, missing: (wanted: Element) => VirError): void {
  const devices = ensure(root, "devices");
  remove(devices, deviceIn(devices, wanted, missing));
}

export function deviceIn(
  devices: Element | undefined,
  wanted: Element,
  missing: (wanted: Element) => VirError,
): Element {
  if (wanted.name === "interface") return theDevice(devices, wanted, "live");
  const found = devices && findDevice(devices, wanted, ErrorDomain.libxl);
  if (found === undefined) throw missing(wanted);
  return found;
}

/** The persistent definition with another medium in a drive. Throws VirError. */
export function withMedium(config: Definition, wanted: Element): Definition {
  if (wanted.name !== "disk") throw unsupported("persistent update of device is not supported");
  return config.with((root) => {
    const devices = ensure(root, "devices");
    const drive = devices.all("disk").find((disk) => targetOf(disk) === targetOf(wanted));
    if (drive === undefined) throw failure(ErrorCode.invalidArg, `target ${targetOf(wanted)} doesn't exist.`);
    if (drive.attribute("device") !== "cdrom") throw unsupported("this disk doesn't support update");
    for (const name of ["source", "driver"]) {
      const [before, after] = [drive.first(name), wanted.first(name)];
      if (before !== undefined) remove(drive, before);
      if (after !== undefined) drive.children.push(after.clone());
    }
    drive.setAttribute("type", wanted.attribute("type") ?? "file");
  }, completeDefinition);
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.libxl, detail);
}
