import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { findDevice } from "../../domain-device.ts";
import { arrangeDomain } from "../../domain-places.ts";
import { ensure, readNumber } from "../../objects/element-edit.ts";
import { nameNewDevice } from "./aliases.ts";
import { describeNewImage } from "./backing-chain.ts";
import { completeBackend, completeChannel, completeSerial } from "./character-devices.ts";
import { completeController, ensureController, findController } from "./controllers.ts";
import { completeDisk } from "./disks.ts";
import { completeGraphics, completeVideo } from "./displays.ts";
import { completeInterface } from "./interfaces.ts";
import { type MachineType, machineType } from "./machine-type.ts";
import { completeOther } from "./other-devices.ts";
import { pciAddressOf, setPciAddress, wantsPciAddress } from "./pci/pci-address.ts";
import { hasPcieRoot, occupiedPciBuses } from "./pci/pci-assignment.ts";
import { pciDemand } from "./pci/pci-demand.ts";
import { isUsb, UsbPorts } from "./usb-ports.ts";
import { isVirtioPort, VirtioSerialPorts } from "./virtio-serial-ports.ts";

/** A device that has joined a guest. */
export interface NewDevice {
  /** Among the others by now, with its address and its name. */
  readonly device: Element;
  /** Controllers that had to come before it, in this order. */
  readonly controllers: readonly Element[];
}

/**
 * Puts a device among those of a running guest: completed, in a place of its own, where hotplug works, and named. `root`
 * is a tree to change, and is of no use any more when this throws VirError. A definition that does not run needs none of
 * this: it is completed as a whole.
 */
export function addLiveDevice(root: Element, wanted: Element): NewDevice {
  const devices = ensure(root, "devices");
  const machine = machineType(root);
  const device = wanted.clone();
  completeOne(device, devices, machine);
  checkNew(devices, device);
  const controllers = missingControllers(devices, device).map((controller) => join(devices, controller, machine));
  join(devices, device, machine);
  return { device, controllers };
}

/** As `addLiveDevice`, for a disk: its images are numbered and shown, too. Rejects with VirError. */
export async function addLiveDisk(root: Element, wanted: Element): Promise<NewDevice> {
  const added = addLiveDevice(root, wanted);
  await describeNewImage(ensure(root, "devices"), added.device);
  arrangeDomain(added.device);
  return added;
}

/** Fills in what libvirt's QEMU driver fills in at one device, address and name apart. Throws VirError. */
export function completeOne(device: Element, devices: Element, machine: MachineType): void {
  switch (device.name) {
    case "disk":
      return completeDisk(device, machine);
    case "controller":
      return completeController(device);
    case "interface":
      return completeInterface(device);
    case "graphics":
      return completeGraphics(device);
    case "video":
      return completeVideo(device, devices.first("video") === undefined);
    case "serial":
      completeSerial(device, machine);
      return completeBackend(device);
    case "channel":
      completeChannel(device);
      return completeBackend(device);
    case "redirdev":
      return completeBackend(device);
    default:
      return completeOther(device, machine);
  }
}

/** Two that cannot be told apart cannot both be there. */
function checkNew(devices: Element, device: Element): void {
  // Cards may have one address: it is QEMU's to mind, and libvirt's not.
  if (!["disk", "controller"].includes(device.name)) return;
  if (findDevice(devices, device, ErrorDomain.qemu) === undefined) return;
  const name = device.first("target")?.attribute("dev");
  if (device.name === "disk") throw failure(`target ${name} already exists`);
  const [type, index] = [device.attribute("type"), device.attribute("index")];
  throw failure(`target ${type}:${index} already exists`);
}

/** What a disk or a channel hangs on comes with it, of the kind that is there already. */
function missingControllers(devices: Element, device: Element): Element[] {
  const scratch = new Element("devices", [], devices.elements());
  const bus = device.name === "disk" ? device.first("target")?.attribute("bus") : undefined;
  if (bus === "scsi") {
    const index = readNumber(device.first("address")?.attribute("controller")) ?? 0;
    const model = findController(devices, "scsi", 0)?.attribute("model");
    for (let number = 0; number <= index; number++) ensureController(scratch, "scsi", number, model);
  }
  if (isVirtioPort(device)) {
    const index = readNumber(device.first("address")?.attribute("controller")) ?? 0;
    ensureController(scratch, "virtio-serial", index);
  }
  return scratch.elements().filter((each) => !devices.children.includes(each));
}

function join(devices: Element, device: Element, machine: MachineType): Element {
  if (device.name === "controller") completeController(device);
  const demand = pciDemand(device, hasPcieRoot(devices));
  if (demand !== undefined && wantsPciAddress(device)) {
    setPciAddress(device, occupiedPciBuses(devices, machine).allocate({ ...demand, hotplug: true }));
  } else if (demand !== undefined) {
    checkPlace(devices, device, machine);
  }
  devices.children.push(device);
  if (isUsb(device) && device.first("address")?.attribute("port") === undefined) new UsbPorts(devices).plug(device);
  else if (isVirtioPort(device)) new VirtioSerialPorts(devices).plug(device, device.name === "console");
  nameNewDevice(devices, device, machine);
  arrangeDomain(device);
  return device;
}

/** A place that was chosen by hand. */
function checkPlace(devices: Element, device: Element, machine: MachineType): void {
  const address = pciAddressOf(device);
  const demand = pciDemand(device, hasPcieRoot(devices));
  if (address === undefined || demand === undefined) return;
  if (address.function !== 0) {
    const detail = "Only PCI device addresses with function=0 are supported";
    throw VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
  }
  occupiedPciBuses(devices, machine).reserve(address, { ...demand, hotplug: true });
  setPciAddress(device, address);
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
}
