import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import type { Properties } from "./part.ts";
import { flag, number, unsupported } from "./reading.ts";

/**
 * Where a device is, as properties of it; none where the definition does not say, and QEMU then finds a place. Throws VirError
 * for a kind of address that this driver does not know. Of disks see `drive-address.ts`.
 */
export function addressOf(device: Element, context: GuestContext): Properties {
  const address = device.first("address");
  const type = address?.attribute("type");
  if (address === undefined || type === undefined) return {};
  const place = places[type];
  if (place === undefined) throw unsupported(`address of type '${type}' of <${device.name}> is not supported`);
  return place(address, context);
}

const places: Readonly<Record<string, (address: Element, context: GuestContext) => Properties>> = {
  pci: pciAddress,
  usb: (address, context) => ({
    bus: `${context.controllerId("usb", number(address, "bus") ?? 0)}.0`,
    port: usbPort(address),
  }),
  "virtio-serial": (address, context) => ({
    bus: `${context.controllerId("virtio-serial", number(address, "controller") ?? 0)}.0`,
    nr: number(address, "port"),
  }),
  ccid: (address, context) => ({ bus: `${context.controllerId("ccid", number(address, "controller") ?? 0)}.0` }),
  isa: (address) => ({ iobase: number(address, "iobase"), irq: number(address, "irq") }),
  dimm: (address) => ({ slot: number(address, "slot"), addr: number(address, "base") }),
  // The device has one place, and no other.
  unassigned: () => ({}),
};

function pciAddress(address: Element, context: GuestContext): Properties {
  const bus = context.controllerId("pci", number(address, "bus") ?? 0);
  const [slot, part] = [number(address, "slot") ?? 0, number(address, "function") ?? 0];
  const addr = `0x${slot.toString(16)}${part === 0 ? "" : `.0x${part.toString(16)}`}`;
  const acpiIndex = number(address.first("zpci"), "uid");
  if (acpiIndex !== undefined) throw unsupported("<zpci> is not supported");
  return { bus, addr, multifunction: flag(address, "multifunction") };
}

function usbPort(address: Element): string | undefined {
  const port = address.attribute("port");
  if (port !== undefined && !/^\d+(\.\d+)*$/.test(port)) throw unsupported(`USB port '${port}' is none`);
  return port;
}

/** The names of virtio devices: what is told to QEMU about the generation, and the bus. */
export function virtioDriver(name: string, device: Element): string {
  const model = device.attribute("model") ?? device.first("model")?.attribute("type");
  const suffix = model?.startsWith("virtio-") === true ? model.slice("virtio".length) : "";
  return `${name}-pci${["-transitional", "-non-transitional"].includes(suffix) ? suffix : ""}`;
}

/** What can be said of every virtio device. */
export function virtioOptions(device: Element): Properties {
  const driver = device.first("driver");
  return {
    iommu_platform: flag(driver, "iommu"),
    ats: flag(driver, "ats"),
    packed: flag(driver, "packed"),
    "page-per-vq": flag(driver, "page_per_vq"),
  };
}
