import type { Element } from "../../../xml/index.ts";
import { isDac, type Owner, parseLabel } from "./guest-user.ts";

/** A file of the host's that a guest's QEMU opens by its name. */
export interface GuestFile {
  readonly path: string;
  /** Else it is only read. */
  readonly isWritten: boolean;
  /** It is made where it is missing. */
  readonly isMade?: boolean;
  /** Whose it is to be; absent: as the guest has it. */
  readonly owner?: Owner;
}

/** All of a definition; of a run's what its disks stand on, too. Throws VirError for a label that nobody understands. */
export function filesOfGuest(root: Element): GuestFile[] {
  const os = root.first("os");
  const read = ["kernel", "initrd", "dtb"].map((name) => os?.first(name)?.text.trim());
  const tables = os?.first("acpi")?.all("table") ?? [];
  const nvram = os?.first("nvram");
  return [
    ...[...read, ...tables.map((table) => table.text.trim())].flatMap((path) => fileAt(path, false)),
    ...fileAt(nvram?.first("source")?.attribute("file") ?? nvram?.text.trim(), true),
    ...(root.first("devices")?.elements() ?? []).flatMap(filesOfDevice),
  ];
}

/** The same of one device. */
export function filesOfDevice(device: Element): GuestFile[] {
  if (device.name === "disk") return filesOfDisk(device);
  if (device.name === "memory") return fileAt(device.first("source")?.first("path")?.text.trim(), true);
  if (device.name === "input") return filesOfInput(device);
  if (characterDevices.has(device.name)) return filesOfCharacterDevice(device);
  return [];
}

const characterDevices = new Set(["serial", "parallel", "console", "channel", "redirdev", "smartcard"]);

/** Its own image and what that is being copied to are written, what it stands on is not. */
function filesOfDisk(disk: Element): GuestFile[] {
  const isWritten = disk.first("readonly") === undefined;
  const mirror = disk.first("mirror");
  const files = [...filesOfImage(disk, isWritten), ...(mirror === undefined ? [] : filesOfImage(mirror, true))];
  for (let store = disk.first("backingStore"); store !== undefined; store = store.first("backingStore"))
    files.push(...filesOfImage(store, false));
  return files;
}

function filesOfImage(image: Element, isWritten: boolean): GuestFile[] {
  const source = image.first("source");
  const path = source?.attribute("file") ?? source?.attribute("dev");
  const label = source?.all("seclabel").find((each) => isDac(each) || each.attribute("model") === undefined);
  if (label?.attribute("relabel") === "no") return [];
  const text = label?.first("label")?.text.trim();
  if (text === undefined) return fileAt(path, isWritten);
  const { uid, gid } = parseLabel(text);
  return fileAt(path, isWritten).map((file) => ({ ...file, owner: { uid, gid } }));
}

function filesOfInput(input: Element): GuestFile[] {
  const source = input.first("source");
  return fileAt(source?.attribute("evdev") ?? source?.attribute("dev"), true);
}

function filesOfCharacterDevice(device: Element): GuestFile[] {
  const source = device.first("source");
  const path = source?.attribute("path");
  const log = fileAt(device.first("log")?.attribute("file"), true).map(made);
  const type = device.attribute("type");
  if (type === "file") return [...fileAt(path, true).map(made), ...log];
  // A pipe is one file for both directions or two, one for each.
  if (type === "pipe") return [...["", ".in", ".out"].flatMap((end) => fileAt(path && `${path}${end}`, true)), ...log];
  const isUsed = type === "dev" || (type === "unix" && source?.attribute("mode") === "connect");
  return isUsed ? [...fileAt(path, true), ...log] : log;
}

function made(file: GuestFile): GuestFile {
  return { ...file, isMade: true };
}

function fileAt(path: string | undefined, isWritten: boolean): GuestFile[] {
  return path === undefined || path === "" ? [] : [{ path, isWritten }];
}
