import { ErrorCode, ErrorDomain, VirError } from "../../../../protocol/index.ts";
import { Element } from "../../../../xml/index.ts";
import { ensure, readNumber, setDefault } from "../../../objects/element-edit.ts";
import type { MachineType } from "../machine-type.ts";
import { isIntegrated, placeChipsetDevices } from "./chipset.ts";
import { type PciAddress, pciAddressOf, setPciAddress, wantsPciAddress } from "./pci-address.ts";
import { PciBus, type PciDemand } from "./pci-bus.ts";
import { PciBuses } from "./pci-buses.ts";
import { completePciControllers } from "./pci-controllers.ts";
import { pciDemand } from "./pci-demand.ts";

/** In which order the kinds of devices come to a place; controllers of PCI are before all others. */
const order = (
  "filesystem interface sound controller disk hostdev memballoon rng watchdog video shmem input serial iommu vsock " +
  "memory"
).split(" ");

/** Which functions of their common slot USB 2 controllers and their companions are. */
const usb2Functions: Readonly<Record<string, number>> = {
  "ich9-ehci1": 7,
  "ich9-uhci1": 0,
  "ich9-uhci2": 1,
  "ich9-uhci3": 2,
};

/** Anything that may come later. */
const spare: PciDemand = { kind: "pci-device", automatic: true };
const spareExpress: PciDemand = { kind: "pcie-device", automatic: true };

/**
 * Gives every PCI device its place, and adds the bridges and ports that this takes, as libvirt does: first it is tried
 * out with as many buses as are needed, then everybody is placed. Throws VirError.
 */
export function assignPciAddresses(devices: Element, machine: MachineType): void {
  const highest = Math.max(-1, ...pciControllers(devices).map(indexOf));
  if (highest >= 0) addMissingControllers(devices, machine, highest);
  const buses = pciBuses(devices, machine);
  if (buses.all.length > 0) {
    placeChipsetDevices(devices, machine, buses);
    const hasPcie = hasPcieRoot(devices);
    for (const device of unplaced(devices)) place(device, devices, buses, hasPcie);
  } else if (needsPci(devices)) throw noBuses();
  markMultifunction(devices);
  completePciControllers(pciControllers(devices));
}

/** The buses of a guest whose devices all have their places, for one more. */
export function occupiedPciBuses(devices: Element, machine: MachineType): PciBuses {
  const buses = pciBuses(devices, machine);
  if (buses.all.length > 0) placeChipsetDevices(devices, machine, buses);
  return buses;
}

/** The buses of a guest with all who have a place on them. Throws VirError for places that two have. */
function pciBuses(devices: Element, machine: MachineType, grows = false): PciBuses {
  const models = new Map(pciControllers(devices).map((each) => [indexOf(each), each]));
  const count = Math.max(-1, ...models.keys()) + 1;
  const hasPcie = hasPcieRoot(devices);
  const buses = Array.from({ length: count }, (_, index) => busOf(models.get(index), index, hasPcie));
  const all = new PciBuses(buses, grows);
  for (const device of devices.elements()) {
    const address = pciAddressOf(device);
    if (address === undefined || isIntegrated(device, machine)) continue;
    all.reserve(address, pciDemand(device, hasPcie) ?? spare);
  }
  return all;
}

function busOf(controller: Element | undefined, index: number, hasPcie: boolean): PciBus {
  const standard = index === 0 ? "pci-root" : hasPcie ? "pcie-root-port" : "pci-bridge";
  const hotplug = controller?.first("target")?.attribute("hotplug") !== "off";
  return new PciBus(controller?.attribute("model") ?? standard, { hotplug });
}

function addMissingControllers(devices: Element, machine: MachineType, highest: number): void {
  const trial = pciBuses(devices, machine, true);
  placeChipsetDevices(devices, machine, trial);
  const hasPcie = hasPcieRoot(devices);
  // One conventional place is left for later, as long as there is any.
  if (!hasPcie && trial.all.some((bus) => !bus.isFull)) trial.allocate(spare);
  for (const device of unplaced(devices)) place(device, devices, trial, hasPcie);
  // Whoever leaves the buses to us gets one port more than is needed now, once.
  if (hasPcie && highest === 0 && trial.all.length > 1) trial.allocate(spareExpress);
  const known = new Set(pciControllers(devices).map(indexOf));
  for (let index = 1; index < trial.all.length; index++) {
    if (known.has(index)) continue;
    const model = trial.all[index]?.model ?? "";
    const controller = new Element("controller", { type: "pci", index: String(index), model });
    devices.children.push(controller);
    place(controller, devices, trial, hasPcie);
  }
}

/** Gives a device its place; in a trial it only takes one. */
function place(device: Element, devices: Element, buses: PciBuses, hasPcie: boolean): void {
  const demand = pciDemand(device, hasPcie);
  if (demand === undefined) return;
  const func = usb2Function(device);
  const beside = func === undefined ? undefined : companionPlace(devices, device);
  let address: PciAddress;
  if (func === undefined || beside === undefined) address = buses.allocate(demand, func);
  else {
    address = { ...beside, function: func };
    buses.reserve(address, demand);
  }
  if (buses.isTrial) return;
  setPciAddress(device, address);
  if (func === 0) device.first("address")?.setAttribute("multifunction", "on");
}

function usb2Function(device: Element): number | undefined {
  return device.name === "controller" ? usb2Functions[device.attribute("model") ?? ""] : undefined;
}

/** Where a controller's companion is, if one is placed. */
function companionPlace(devices: Element, device: Element): PciAddress | undefined {
  const index = device.attribute("index");
  const companions = devices
    .all("controller")
    .filter((each) => usb2Function(each) !== undefined && each.attribute("index") === index);
  return companions.map(pciAddressOf).find((address) => address !== undefined);
}

/** Who needs a place, in the order in which places are given away. */
function unplaced(devices: Element): Element[] {
  const wanting = devices.elements().filter((each) => wantsPciAddress(each) && !isPrimaryIde(each));
  const isPci = (each: Element): boolean => each.name === "controller" && each.attribute("type") === "pci";
  const rest = order.flatMap((name) => wanting.filter((each) => each.name === name && !isPci(each)));
  // What an interface stands for is a device of the host, and has its turn among those.
  const isHost = (each: Element): boolean => each.name === "interface" && each.attribute("type") === "hostdev";
  const hosts = rest.filter(isHost);
  const others = rest.filter((each) => !isHost(each));
  const at = others.findIndex((each) => order.indexOf(each.name) > order.indexOf("disk"));
  others.splice(at < 0 ? others.length : at, 0, ...hosts);
  return [...wanting.filter(isPci), ...others];
}

function isPrimaryIde(device: Element): boolean {
  return device.name === "controller" && device.attribute("type") === "ide" && indexOf(device) === 0;
}

/** Function 0 of a slot says that there are others. */
function markMultifunction(devices: Element): void {
  const placed = devices.elements().map((device) => ({ device, address: pciAddressOf(device) }));
  const slotOf = ({ domain, bus, slot }: PciAddress): string => `${domain}:${bus}:${slot}`;
  const shared = new Set(placed.flatMap(({ address }) => (address?.function ? [slotOf(address)] : [])));
  for (const { device, address } of placed) {
    if (address === undefined || address.function !== 0 || !shared.has(slotOf(address))) continue;
    setDefault(ensure(device, "address"), "multifunction", "on");
  }
}

export function pciControllers(devices: Element): Element[] {
  return devices.all("controller").filter((each) => each.attribute("type") === "pci");
}

export function hasPcieRoot(devices: Element): boolean {
  return pciControllers(devices).some((each) => each.attribute("model") === "pcie-root");
}

function indexOf(controller: Element): number {
  return readNumber(controller.attribute("index")) ?? 0;
}

function needsPci(devices: Element): boolean {
  return unplaced(devices).some((device) => pciDemand(device, false) !== undefined);
}

function noBuses(): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, "No PCI buses available");
}
