import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import { driveAddress, indexOf } from "./drive-address.ts";
import type { GuestContext } from "./guest-context.ts";
import type { Properties } from "./part.ts";
import { flag, number, oneOf, onOff, unsupported } from "./reading.ts";

/** The device that the guest sees of a disk. */
export interface DiskFrontend {
  readonly driver: string;
  readonly properties: Properties;
  readonly id: string;
  /** How QEMU finds what the device has its images in: the guest's end of it is another object with virtio. */
  readonly backendPath: string;
}

type Place = Pick<DiskFrontend, "driver" | "properties"> & { readonly fallbackId: string };

/** Throws VirError for a device on a bus that has none such. */
export function diskFrontend(disk: Element, context: GuestContext): DiskFrontend {
  const target = disk.first("target")?.attribute("dev") ?? "";
  const bus = disk.first("target")?.attribute("bus") ?? busOf(target);
  const kind = disk.attribute("device") ?? "disk";
  const place = buses[bus]?.(disk, kind, context);
  if (place === undefined) throw unsupported(`disk '${target}': a ${kind} on bus '${bus}' is not supported`);
  const { driver, properties, fallbackId } = place;
  const id = disk.first("alias")?.attribute("name") ?? fallbackId;
  const path = `/machine/peripheral/${id}`;
  return {
    driver,
    id,
    backendPath: bus === "virtio" ? `${path}/virtio-backend` : path,
    properties: { ...properties, ...blockSizes(disk), ...geometry(disk), ...errors(disk), ...writeCache(disk, bus) },
  };
}

const buses: Readonly<Record<string, (disk: Element, kind: string, context: GuestContext) => Place | undefined>> = {
  virtio,
  ide: (disk, kind, context) => ata("ide", disk, kind, context),
  sata: (disk, kind, context) => ata("sata", disk, kind, context),
  scsi,
  usb,
  fdc: floppy,
};

function virtio(disk: Element, kind: string, context: GuestContext): Place | undefined {
  if (kind !== "disk") return undefined;
  const driver = disk.first("driver");
  const thread = number(driver, "iothread");
  return {
    driver: virtioDriver("virtio-blk", disk),
    fallbackId: `virtio-disk${placeOf(disk)}`,
    properties: {
      ...virtioOptions(disk),
      iothread: thread === undefined || thread === 0 ? undefined : `iothread${thread}`,
      ioeventfd: flag(driver, "ioeventfd"),
      event_idx: flag(driver, "event_idx"),
      "num-queues": number(driver, "queues"),
      "queue-size": number(driver, "queue_size"),
      serial: serialOf(disk),
      ...addressOf(disk, context),
    },
  };
}

/** Without a controller of its own a q35's first SATA controller, or a pc's IDE, is there. */
function ata(bus: "ide" | "sata", disk: Element, kind: string, context: GuestContext): Place | undefined {
  if (kind === "floppy") return undefined;
  const address = driveAddress(disk, bus, context);
  const builtIn =
    address.controller === 0 && (bus === "ide" || context.isQ35 || context.controller("sata", 0) === undefined);
  const base = builtIn ? "ide" : context.controllerId(bus, address.controller);
  const place =
    bus === "ide" ? { bus: `${base}.${address.bus}`, unit: address.unit } : { bus: `${base}.${address.unit}` };
  return {
    driver: kind === "cdrom" ? "ide-cd" : "ide-hd",
    fallbackId: `${bus}${address.controller}-${address.bus}-${address.unit}`,
    properties: { ...place, ...wwn(disk), serial: serialOf(disk), ...rotation(disk) },
  };
}

function scsi(disk: Element, kind: string, context: GuestContext): Place | undefined {
  if (kind === "floppy") return undefined;
  const { controller, bus, target, unit } = driveAddress(disk, "scsi", context);
  const id = context.controllerId("scsi", controller);
  const model = context.controller("scsi", controller)?.attribute("model") ?? "lsilogic";
  // The old ones know a target of one unit each, which libvirt calls the unit.
  const isOld = model === "lsilogic" || model === "am53c974";
  const place = isOld ? { "scsi-id": unit } : { channel: bus, "scsi-id": target, lun: unit };
  const fallbackId = isOld ? `scsi${controller}-${bus}-${unit}` : `scsi${controller}-${bus}-${target}-${unit}`;
  const serial = serialOf(disk);
  return {
    driver: kind === "cdrom" ? "scsi-cd" : "scsi-hd",
    fallbackId,
    properties: {
      bus: `${id}.0`,
      ...place,
      device_id: serial ?? `drive-${disk.first("alias")?.attribute("name") ?? fallbackId}`,
      serial,
      ...wwn(disk),
      vendor: text(disk, "vendor"),
      product: text(disk, "product"),
      ...rotation(disk),
    },
  };
}

/** A floppy has no place but its unit; a USB stick is a SCSI disk behind a bridge. */
function usb(disk: Element, kind: string, context: GuestContext): Place | undefined {
  if (kind === "floppy") return undefined;
  const removable = flag(disk.first("target"), "removable") ?? false;
  const properties = { ...addressOf(disk, context), removable, serial: serialOf(disk) };
  return { driver: "usb-storage", fallbackId: `usb-disk${placeOf(disk)}`, properties };
}

function floppy(disk: Element, kind: string, context: GuestContext): Place | undefined {
  if (kind !== "floppy") return undefined;
  const { controller, bus, unit } = driveAddress(disk, "fdc", context);
  return { driver: "floppy", fallbackId: `fdc${controller}-${bus}-${unit}`, properties: { unit } };
}

function blockSizes(disk: Element): Properties {
  const sizes = disk.first("blockio");
  return {
    logical_block_size: number(sizes, "logical_block_size"),
    physical_block_size: number(sizes, "physical_block_size"),
    discard_granularity: number(sizes, "discard_granularity"),
  };
}

function geometry(disk: Element): Properties {
  const geometry = disk.first("geometry");
  const [cyls, heads, secs] = ["cyls", "heads", "secs"].map((name) => number(geometry, name));
  return { cyls, heads, secs, "bios-chs-trans": geometry?.attribute("trans") };
}

/** On a read-only disk no write can fail. */
function errors(disk: Element): Properties {
  const driver = disk.first("driver");
  const policies = ["stop", "report", "ignore", "enospace"] as const;
  const write = driver?.attribute("error_policy");
  const read = driver?.attribute("rerror_policy");
  const werror = write === undefined ? undefined : oneOf(write, policies, "error_policy");
  const rerror =
    read === undefined ? (werror === "enospace" ? undefined : werror) : oneOf(read, policies, "rerror_policy");
  return { werror: werror === "enospace" ? "enospc" : werror, rerror };
}

/** Whether the guest may think that there is a cache to flush. */
function writeCache(disk: Element, bus: string): Properties {
  const mode = disk.first("driver")?.attribute("cache");
  if (mode === undefined || mode === "default" || bus === "fdc") return {};
  return { "write-cache": onOff(!["writethrough", "directsync"].includes(mode)) };
}

function wwn(disk: Element): Properties {
  const text = disk.first("wwn")?.text.trim();
  if (text === undefined) return {};
  if (!/^(0x)?[0-9a-f]{16}$/i.test(text)) throw unsupported(`malformed wwn '${text}'`);
  return { wwn: BigInt(`0x${text.replace(/^0x/i, "")}`) };
}

function rotation(disk: Element): Properties {
  return { rotation_rate: number(disk.first("target"), "rotation_rate") };
}

/** The guest would see what does not fit cut off. */
function serialOf(disk: Element): string | undefined {
  return text(disk, "serial");
}

function text(disk: Element, name: string): string | undefined {
  return disk.first(name)?.text || undefined;
}

function placeOf(disk: Element): number {
  return indexOf(disk.first("target")?.attribute("dev") ?? "");
}

const byName: Readonly<Record<string, string>> = { hd: "ide", sd: "scsi", vd: "virtio", fd: "fdc" };

function busOf(target: string): string {
  return byName[target.slice(0, 2)] ?? "none";
}
