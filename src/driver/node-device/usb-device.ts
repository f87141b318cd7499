import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";
import { type DeviceKind, deviceName } from "./device-kind.ts";
import { readUdevRecord } from "./udev-record.ts";

const directory = "/sys/bus/usb/devices";

/** What is plugged into USB. */
export function usbDevices(files: HostFiles): DeviceKind {
  return {
    capability: "usb_device",
    directory,
    find: async (path) => {
      const event = await files.properties(`${path}/uevent`);
      if (event.get("DEVTYPE") !== "usb_device") return undefined;
      const node = { path: `/dev/${event.get("DEVNAME") ?? ""}`, links: [] };
      return { name: deviceName("usb", path.slice(path.lastIndexOf("/") + 1)), path, node };
    },
    describe: async ({ path }) => {
      const event = await files.properties(`${path}/uevent`);
      const read = async (file: string): Promise<string | undefined> => files.text(`${path}/${file}`);
      const { properties } = await readUdevRecord(files, `c${event.get("MAJOR")}:${event.get("MINOR")}`);
      const [bus = "0", device = "0"] = await Promise.all([read("busnum"), read("devnum")]);
      const [product, vendor] = await Promise.all([read("idProduct"), read("idVendor")]);
      const productName = properties.get("ID_MODEL_FROM_DATABASE") ?? (await read("product"));
      const vendorName = properties.get("ID_VENDOR_FROM_DATABASE") ?? (await read("manufacturer"));
      return [
        Element.leaf("bus", bus),
        Element.leaf("device", device),
        ...named("product", product, productName),
        ...named("vendor", vendor, vendorName),
      ];
    },
  };
}

/** What a USB device can be used as. */
export function usbInterfaces(files: HostFiles): DeviceKind {
  return {
    capability: "usb",
    directory,
    find: async (path) => {
      const event = await files.properties(`${path}/uevent`);
      if (event.get("DEVTYPE") !== "usb_interface") return undefined;
      return { name: deviceName("usb", path.slice(path.lastIndexOf("/") + 1)), path };
    },
    describe: async ({ path }) => {
      const parts = { number: "bInterfaceNumber", class: "bInterfaceClass", subclass: "bInterfaceSubClass" };
      const all = Object.entries({ ...parts, protocol: "bInterfaceProtocol" });
      const values = await Promise.all(all.map(([, file]) => files.text(`${path}/${file}`)));
      return all.map(([element], index) => Element.leaf(element, String(Number.parseInt(values[index] ?? "0", 16))));
    },
  };
}

function named(element: string, id: string | undefined, name: string | undefined): Element[] {
  if (id === undefined) return [];
  return [
    name === undefined ? new Element(element, { id: `0x${id}` }) : Element.leaf(element, name, { id: `0x${id}` }),
  ];
}
