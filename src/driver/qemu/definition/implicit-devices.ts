import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { highestController } from "../../drive-places.ts";
import { ensure, readNumber } from "../../objects/element-edit.ts";
import { ensureController, findController } from "./controllers.ts";
import type { MachineType } from "./machine-type.ts";

/** Adds what a machine has without being asked: USB, its root bus, mouse, keyboard and a balloon. Throws VirError. */
export function addMachineDevices(devices: Element, machine: MachineType): void {
  addHostdevControllers(devices);
  const hasUsb = devices.all("controller").some((each) => each.attribute("type") === "usb");
  if (!hasUsb && (machine.isI440fx || machine.isQ35 || machine.isVirt)) {
    const model = machine.isI440fx ? "piix3-uhci" : "qemu-xhci";
    if (!machine.isVirt) ensureController(devices, "usb", 0, model);
  }
  if (machine.isQ35) ensureController(devices, "sata", 0);
  if (machine.isI440fx) addRoot(devices, "pci-root");
  if (machine.isQ35 || machine.isVirt) addRoot(devices, "pcie-root");
  ensure(devices, "memballoon", { model: "virtio" });
  if (!machine.isX86) return;
  for (const type of ["mouse", "keyboard"]) addInput(devices, type);
}

function addRoot(devices: Element, model: string): void {
  const known = findController(devices, "pci", 0);
  const found = known?.attribute("model");
  if (known !== undefined && found === undefined) known.setAttribute("model", model);
  if (found !== undefined && found !== model) {
    const detail = `The PCI controller with index='0' must be model='${model}' for this machine type, but model='${found}' was found instead`;
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.qemu, detail);
  }
  ensureController(devices, "pci", 0, model);
}

function addInput(devices: Element, type: string): void {
  const isThere = (each: Element): boolean => each.attribute("type") === type && each.attribute("bus") === "ps2";
  if (!devices.all("input").some(isThere)) devices.children.push(new Element("input", { type, bus: "ps2" }));
}

/** Host devices of SCSI hang on a controller, too. */
function addHostdevControllers(devices: Element): void {
  const hosts = devices.all("hostdev").filter((each) => each.attribute("type") === "scsi");
  if (hosts.length > 0) ensureController(devices, "scsi", 0);
}

/** Adds the controllers that disks and other devices hang on. */
export function addImplicitControllers(devices: Element): void {
  for (const type of ["scsi", "fdc", "ide", "sata"]) {
    const highest = highestController(devices, type) ?? -1;
    for (let index = 0; index <= highest; index++) ensureController(devices, type, index);
  }
  addVirtioSerialControllers(devices);
  if (devices.first("smartcard") !== undefined) ensureController(devices, "ccid", 0);
}

function addVirtioSerialControllers(devices: Element): void {
  const ports = [...devices.all("channel"), ...devices.all("console")].filter(
    (each) => each.first("target")?.attribute("type") === "virtio",
  );
  const wanted = new Set(ports.map((port) => readNumber(port.first("address")?.attribute("controller")) ?? 0));
  for (const index of wanted) ensureController(devices, "virtio-serial", index);
}
