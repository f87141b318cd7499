import { Element } from "../../../xml/index.ts";
import { readNumber } from "../../objects/element-edit.ts";
import { unsupported } from "../errors.ts";
import { given, type PciConfig, type UsbControllerConfig, type UsbDeviceConfig } from "./parts.ts";

/** libxl's PCI devices for those of the host that a definition has. Throws VirError. */
export function pciConfigs(devices: Element): PciConfig[] {
  return hosts(devices, "pci").map((device) => {
    const driver = device.first("driver")?.attribute("name") ?? "xen";
    if (driver !== "xen") throw unsupported(`PCI devices are given away by driver 'xen', not '${driver}'`);
    const source = device.first("source");
    const address = source?.first("address");
    const number = (name: string): number | undefined => readNumber(address?.attribute(name)) || undefined;
    return given<PciConfig>({
      func: number("function"),
      dev: number("slot"),
      bus: number("bus"),
      domain: number("domain"),
      permissive: source?.attribute("writeFiltering") === "no" ? true : undefined,
    });
  });
}

export function pciElement({ domain = 0, bus = 0, dev = 0, func = 0, permissive }: PciConfig): Element {
  const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`;
  const address = { domain: hex(domain, 4), bus: hex(bus, 2), slot: hex(dev, 2), function: hex(func, 1) };
  const source = new Element("source", permissive === true ? { writeFiltering: "no" } : {}, [
    new Element("address", address),
  ]);
  return new Element("hostdev", { mode: "subsystem", type: "pci", managed: "no" }, [source]);
}

const versions: Readonly<Record<string, number>> = { qusb1: 1, qusb2: 2 };

/** libxl's USB controllers for a definition's. Throws VirError. */
export function usbControllerConfigs(devices: Element): UsbControllerConfig[] {
  return devices
    .all("controller")
    .filter((each) => each.attribute("type") === "usb")
    .map((controller) => {
      const version = versions[controller.attribute("model") ?? "qusb2"];
      if (version === undefined) throw unsupported("unsupported usb model");
      const ports = Number(controller.attribute("ports") ?? 8);
      return { type: "qusb", devid: Number(controller.attribute("index") ?? 0), version, ports };
    });
}

export function usbControllerElement({ devid = 0, version = 2, ports }: UsbControllerConfig): Element {
  const index = String(Math.max(0, devid));
  const attributes = { type: "usb", index, model: version === 1 ? "qusb1" : "qusb2" };
  return new Element("controller", ports === undefined ? attributes : { ...attributes, ports: String(ports) });
}

/** libxl's USB devices for those of the host that a definition has, which it must name by their place. Throws VirError. */
export function usbDeviceConfigs(devices: Element): UsbDeviceConfig[] {
  return hosts(devices, "usb").map((device) => {
    const address = device.find("source", "address");
    const [bus, place] = [readNumber(address?.attribute("bus")), readNumber(address?.attribute("device"))];
    if (bus === undefined || place === undefined) {
      throw unsupported("a USB device of the host has to be named by its bus and device");
    }
    return { "type.hostdev": { hostbus: bus, hostaddr: place } };
  });
}

export function usbDeviceElement(device: UsbDeviceConfig): Element {
  const { hostbus = 0, hostaddr = 0 } = device["type.hostdev"] ?? {};
  const address = new Element("address", { bus: String(hostbus), device: String(hostaddr) });
  return new Element("hostdev", { mode: "subsystem", type: "usb", managed: "no" }, [
    new Element("source", {}, [address]),
  ]);
}

function hosts(devices: Element, type: string): Element[] {
  for (const device of devices.all("hostdev")) {
    const kind = device.attribute("type") ?? "";
    if (kind !== "pci" && kind !== "usb") throw unsupported(`hostdev subsystem type '${kind}' not supported`);
  }
  return devices.all("hostdev").filter((each) => each.attribute("type") === type);
}
