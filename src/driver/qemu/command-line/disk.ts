import type { Element } from "../../../xml/index.ts";
import { diskFrontend } from "./disk-frontend.ts";
import type { GuestContext } from "./guest-context.ts";
import { type ImageOptions, imageChain } from "./image-chain.ts";
import { command, device, type Part } from "./part.ts";
import { flag, oneOf, unsupported } from "./reading.ts";
import { throttle } from "./throttle.ts";

/** `<disk>`: the images, then the device that the guest sees, then its limits. An empty drive has no images. */
export function disk(element: Element, context: GuestContext): Part[] {
  checkDisk(element);
  const options = imageOptions(element);
  const { parts: images, top } = imageChain(element, options, context);
  const copyOnRead = flag(element.first("driver"), "copy_on_read") === true;
  const node = copyOnRead ? `libvirt-CoR-${options.target}`.slice(0, 31) : top;
  const { driver, properties, id, backendPath } = diskFrontend(element, context);
  const drive = images.length === 0 ? undefined : node;
  const parts: Part[] = [...images];
  if (copyOnRead) {
    parts.push({
      kind: "blockdev",
      properties: { driver: "copy-on-read", "node-name": node, file: top, discard: "unmap" },
    });
  }
  parts.push(device(driver, { ...properties, drive, id, bootindex: bootIndex(element, context) }));
  const limits = throttle(element, backendPath);
  if (limits !== undefined && images.length > 0) parts.push(command("block_set_io_throttle", limits));
  return parts;
}

/** The boot order of floppies is their controller's to say. */
function bootIndex(element: Element, context: GuestContext): number | undefined {
  return element.attribute("device") === "floppy" ? undefined : context.bootIndex(element);
}

/** What is said of the images of a disk. */
export function imageOptions(disk: Element): ImageOptions {
  const driver = disk.first("driver");
  const isCdrom = disk.attribute("device") === "cdrom";
  const discard = driver?.attribute("discard");
  const detectZeroes = driver?.attribute("detect_zeroes");
  const aio = driver?.attribute("io");
  return {
    target: disk.first("target")?.attribute("dev") ?? "disk",
    isCdrom,
    isReadOnly: isCdrom || disk.first("readonly") !== undefined,
    cache: driver?.attribute("cache"),
    aio: aio === undefined ? undefined : oneOf(aio, ["native", "threads", "io_uring"], "disk io mode"),
    discard: discard === undefined ? undefined : oneOf(discard, ["unmap", "ignore"], "disk discard mode"),
    // To unmap what is zero makes no sense where nothing is unmapped.
    detectZeroes:
      detectZeroes === undefined
        ? undefined
        : detectZeroes === "unmap" && discard !== "unmap"
          ? "on"
          : oneOf(detectZeroes, ["off", "on", "unmap"], "detect_zeroes mode"),
  };
}

const kinds = ["disk", "cdrom", "floppy", "lun"];

function checkDisk(disk: Element): void {
  const target = disk.first("target")?.attribute("dev") ?? "";
  const kind = disk.attribute("device") ?? "disk";
  const refuse = (what: string): never => {
    throw unsupported(`disk '${target}': ${what} is not supported`);
  };
  if (!kinds.includes(kind)) refuse(`a device of kind '${kind}'`);
  if (kind === "lun") refuse("a SCSI device of the host's (device='lun')");
  if (disk.first("transient") !== undefined) refuse("<transient>");
  const name = disk.first("driver")?.attribute("name");
  if (name !== undefined && name !== "qemu") refuse(`driver '${name}'`);
}
