import { Element } from "../../../xml/index.ts";
import { readNumber } from "../../objects/element-edit.ts";
import type { MachineType } from "./machine-type.ts";
import { pciAddressOf, readPciAddress, setPciAddress } from "./pci/pci-address.ts";
import { assignPciAddresses } from "./pci/pci-assignment.ts";
import { assignUsbAddresses } from "./usb-ports.ts";
import { assignVirtioSerialAddresses } from "./virtio-serial-ports.ts";

/** Gives every device its address, as libvirt would. Throws VirError for addresses that cannot be. */
export function completeAddresses(root: Element, devices: Element, machine: MachineType): void {
  for (const device of devices.elements()) normaliseAddress(device);
  addSmartcardAddresses(devices);
  addHostdevAddresses(devices);
  assignVirtioSerialAddresses(devices);
  assignPciAddresses(devices, machine);
  assignUsbAddresses(devices);
  if (root.first("maxMemory") !== undefined) addMemorySlots(devices);
}

/** What libvirt shows of an address that was given in part. */
function normaliseAddress(device: Element): void {
  const element = device.first("address");
  const pci = pciAddressOf(device);
  if (pci !== undefined) setPciAddress(device, pci);
  const source = device.first("source")?.first("address");
  const hostAddress = source?.attribute("type") === "pci" ? readPciAddress(source) : undefined;
  if (source !== undefined && hostAddress !== undefined) {
    setPciAddress(new Element("x", {}, [source]), hostAddress);
  }
  if (element?.attribute("type") !== "drive") return;
  for (const name of ["controller", "bus", "target", "unit"]) {
    element.setAttribute(name, String(readNumber(element.attribute(name)) ?? 0));
  }
}

function addSmartcardAddresses(devices: Element): void {
  const cards = devices.all("smartcard");
  for (const [slot, card] of cards.entries()) {
    if (card.first("address") !== undefined) continue;
    card.children.push(new Element("address", { type: "ccid", controller: "0", slot: String(slot) }));
  }
}

/** The next free unit of the first controller. */
function addHostdevAddresses(devices: Element): void {
  const isScsi = (each: Element): boolean =>
    each.name === "hostdev" ? each.attribute("type") === "scsi" : each.first("target")?.attribute("bus") === "scsi";
  const all = [...devices.all("disk"), ...devices.all("hostdev")].filter(isScsi);
  const taken = new Set(
    all.flatMap((each) => {
      const address = each.first("address");
      if (address === undefined) return [];
      return `${address.attribute("controller")} ${address.attribute("unit")}`;
    }),
  );
  let place = 0;
  for (const host of all.filter((each) => each.name === "hostdev" && each.first("address") === undefined)) {
    while (taken.has(`${Math.floor(place / 7)} ${place % 7}`)) place++;
    taken.add(`${Math.floor(place / 7)} ${place % 7}`);
    const numbers = { controller: String(Math.floor(place / 7)), bus: "0", target: "0", unit: String(place % 7) };
    host.children.push(new Element("address", { type: "drive", ...numbers }));
  }
}

function addMemorySlots(devices: Element): void {
  const modules = devices.all("memory").filter((each) => /^(nv)?dimm$/.test(each.attribute("model") ?? ""));
  const taken = new Set(modules.map((each) => readNumber(each.first("address")?.attribute("slot"))));
  for (const module of modules.filter((each) => each.first("address") === undefined)) {
    let slot = 0;
    while (taken.has(slot)) slot++;
    taken.add(slot);
    module.children.push(new Element("address", { type: "dimm", slot: String(slot) }));
  }
}
