import { ErrorCode, ErrorDomain, VirError } from "../../../../protocol/index.ts";
import type { Element } from "../../../../xml/index.ts";
import type { MachineType } from "../machine-type.ts";
import {
  describePciAddress,
  type PciAddress,
  pciAddress,
  pciAddressOf,
  setPciAddress,
  wantsPciAddress,
} from "./pci-address.ts";
import type { PciDemand } from "./pci-bus.ts";
import type { PciBuses } from "./pci-buses.ts";
import { pciDemand } from "./pci-demand.ts";

/** Chosen by the chipset, not by a search. */
const chosen: PciDemand = { kind: "pci-device" };

/** Gives the devices that a chipset has in fixed places those places, and keeps others away. Throws VirError. */
export function placeChipsetDevices(devices: Element, machine: MachineType, buses: PciBuses): void {
  if (machine.isI440fx) placeI440fxDevices(devices, buses);
  if (machine.isQ35) placeQ35Devices(devices, buses);
}

/** Whether the chipset has the device in the place where it is: nobody else can be there then. */
export function isIntegrated(device: Element, machine: MachineType): boolean {
  if (!machine.isI440fx || device.name !== "controller") return false;
  const address = pciAddressOf(device);
  return address !== undefined && isSame(address, piix3PlaceOf(device));
}

const piix3Ide = pciAddress(0, 1, 1);
const piix3Usb = pciAddress(0, 1, 2);

/** Where the chip that also bridges to ISA has the controller. */
function piix3PlaceOf(controller: Element): PciAddress | undefined {
  if ((controller.attribute("index") ?? "0") !== "0") return undefined;
  const type = controller.attribute("type");
  if (type === "ide") return piix3Ide;
  return type === "usb" && controller.attribute("model") === "piix3-uhci" ? piix3Usb : undefined;
}

function placeI440fxDevices(devices: Element, buses: PciBuses): void {
  for (const controller of devices.all("controller")) {
    const place = piix3PlaceOf(controller);
    if (place === undefined) continue;
    const address = pciAddressOf(controller);
    if (address === undefined) setPciAddress(controller, place);
    else if (!isSame(address, place)) throw misplaced(controller, place);
  }
  for (let func = 0; func < 8; func++) buses.reserve(pciAddress(0, 1, func), chosen);
  placePrimaryVideo(devices, buses, 2);
}

function placeQ35Devices(devices: Element, buses: PciBuses): void {
  for (const controller of devices.all("controller")) placeQ35Controller(controller, buses);
  // The bridge to ISA and the SMBus are no devices of a definition.
  buses.reserve(pciAddress(0, 0x1f, 0), chosen);
  buses.reserve(pciAddress(0, 0x1f, 3), chosen);
  placePrimaryVideo(devices, buses, 1);
  const sound = devices.all("sound").find((each) => each.attribute("model") === "ich9" && wantsPciAddress(each));
  if (sound !== undefined) settle(sound, buses, [0x1b]);
}

function placeQ35Controller(controller: Element, buses: PciBuses): void {
  const model = controller.attribute("model");
  if (controller.attribute("type") === "sata" && (controller.attribute("index") ?? "0") === "0") {
    const place = pciAddress(0, 0x1f, 2);
    const address = pciAddressOf(controller);
    if (address !== undefined && !isSame(address, place)) throw misplaced(controller, place);
    if (address !== undefined) return;
    buses.reserve(place, chosen);
    setPciAddress(controller, place);
  } else if (model === "ich9-uhci1" && wantsPciAddress(controller)) {
    if (settle(controller, buses, [0x1d, 0x1a])) controller.first("address")?.setAttribute("multifunction", "on");
  } else if (model === "dmi-to-pci-bridge" && wantsPciAddress(controller)) {
    settle(controller, buses, [0x1e], { kind: model });
  }
}

/** Puts a device into the first slot of the root bus that is free, where real hardware has it; or leaves it. */
function settle(device: Element, buses: PciBuses, slots: readonly number[], demand: PciDemand = chosen): boolean {
  const slot = slots.find((each) => !buses.isUsed(0, each));
  if (slot === undefined) return false;
  buses.reserve(pciAddress(0, slot), demand);
  setPciAddress(device, pciAddress(0, slot));
  return true;
}

/** QEMU itself would put the first display adapter there. */
function placePrimaryVideo(devices: Element, buses: PciBuses, slot: number): void {
  const video = devices.first("video");
  const model = video?.first("model")?.attribute("type");
  if (video === undefined || model === "none" || model === "ramfb" || !wantsPciAddress(video)) return;
  if (settle(video, buses, [slot])) return;
  const hasPcie = devices.all("controller").some((each) => each.attribute("model") === "pcie-root");
  const demand = pciDemand(video, hasPcie);
  if (demand === undefined) return;
  const address = buses.allocate(demand);
  if (!buses.isTrial) setPciAddress(video, address);
}

function isSame(one: PciAddress, other: PciAddress | undefined): boolean {
  return other !== undefined && describePciAddress(one) === describePciAddress(other);
}

function misplaced(controller: Element, { bus, slot, function: func }: PciAddress): VirError {
  const type = controller.attribute("type");
  const what =
    type === "ide"
      ? "Primary IDE controller"
      : type === "sata"
        ? "Primary SATA controller"
        : "PIIX3 USB controller at index 0";
  const place = [0, bus, slot].map((part) => part.toString(16)).join(":");
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, `${what} must have PCI address ${place}.${func}`);
}
