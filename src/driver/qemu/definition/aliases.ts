import { Element } from "../../../xml/index.ts";
import { diskNumber } from "../../drive-places.ts";
import { readNumber } from "../../objects/element-edit.ts";
import { findController } from "./controllers.ts";
import type { MachineType } from "./machine-type.ts";

/** By the kind of a device: what the names of such devices begin with. Disks, controllers and memory have their own. */
const prefixes: Readonly<Record<string, string>> = {
  filesystem: "fs",
  interface: "net",
  smartcard: "smartcard",
  serial: "serial",
  parallel: "parallel",
  console: "console",
  channel: "channel",
  input: "input",
  tpm: "tpm",
  sound: "sound",
  video: "video",
  hostdev: "hostdev",
  redirdev: "redir",
  hub: "hub",
  watchdog: "watchdog",
  memballoon: "balloon",
  rng: "rng",
  shmem: "shmem",
  vsock: "vsock",
  iommu: "iommu",
  crypto: "crypto",
};

const memoryPrefixes: Readonly<Record<string, string>> = {
  dimm: "dimm",
  nvdimm: "nvdimm",
  "virtio-pmem": "virtiopmem",
  "virtio-mem": "virtiomem",
};

/** The devices that are named while a guest runs. */
export function isNamed(device: Element): boolean {
  if (device.name === "memballoon" && device.attribute("model") === "none") return false;
  return device.name === "disk" || device.name === "controller" || device.name === "memory" || device.name in prefixes;
}

/** Names every device of a guest that is about to start, as libvirt does; users' own names stay. */
export function nameDevices(devices: Element, machine: MachineType): void {
  const counts = new Map<string, number>();
  for (const device of devices.elements().filter(isNamed)) {
    const number = counts.get(device.name) ?? 0;
    counts.set(device.name, number + 1);
    if (aliasOf(device) !== undefined) continue;
    setAlias(device, ownAlias(devices, device, machine) ?? `${prefixes[device.name]}${number}`);
  }
  nameTwin(devices);
}

/** Names a device that joins the others now: with the first number that none of them has. */
export function nameNewDevice(devices: Element, device: Element, machine: MachineType): void {
  if (!isNamed(device) || aliasOf(device) !== undefined) return;
  const own = ownAlias(devices, device, machine);
  if (own !== undefined) {
    setAlias(device, own);
    return;
  }
  const prefix = prefixes[device.name] ?? device.name;
  setAlias(device, `${prefix}${nextNumber(devices, device, prefix)}`);
}

/** Behind the highest that the name of another device has. */
function nextNumber(devices: Element, device: Element, prefix: string): number {
  const others = devices.elements().flatMap((each) => (each === device ? [] : (aliasOf(each) ?? [])));
  const numbers = others.flatMap((alias) => (alias.startsWith(prefix) ? Number(alias.slice(prefix.length)) : []));
  return Math.max(-1, ...numbers.filter(Number.isInteger)) + 1;
}

export function aliasOf(device: Element): string | undefined {
  return device.first("alias")?.attribute("name");
}

function setAlias(device: Element, name: string): void {
  device.children.push(new Element("alias", { name }));
}

/** The console that stands for the first serial port is that port. */
function nameTwin(devices: Element): void {
  const [console] = devices.all("console");
  const alias = devices.first("serial")?.first("alias")?.attribute("name");
  if (console?.first("target")?.attribute("type") !== "serial" || alias === undefined) return;
  console.first("alias")?.setAttribute("name", alias);
}

/** Of a device whose name follows from what it is and where. */
function ownAlias(devices: Element, device: Element, machine: MachineType): string | undefined {
  if (device.name === "disk") return diskAlias(devices, device);
  if (device.name === "controller") return controllerAlias(device, machine);
  if (device.name !== "memory") return undefined;
  const model = device.attribute("model") ?? "";
  const prefix = memoryPrefixes[model] ?? model;
  const address = device.first("address");
  // Only a module's slot is one of memory's.
  const slot = address?.attribute("type") === "dimm" ? readNumber(address.attribute("slot")) : undefined;
  return `${prefix}${slot ?? nextNumber(devices, device, prefix)}`;
}

function diskAlias(devices: Element, disk: Element): string {
  const target = disk.first("target");
  const bus = target?.attribute("bus") ?? "";
  const address = disk.first("address");
  if (address?.attribute("type") !== "drive") {
    return `${bus}-disk${diskNumber(target?.attribute("dev") ?? "") ?? 0}`;
  }
  const controller = readNumber(address.attribute("controller")) ?? 0;
  const model = findController(devices, bus, controller)?.attribute("model");
  const hasTargets = bus === "scsi" && model !== "lsilogic";
  const parts = hasTargets ? ["controller", "bus", "target", "unit"] : ["controller", "bus", "unit"];
  return bus + parts.map((part) => address.attribute(part) ?? "0").join("-");
}

/** What a chipset has in it is called as QEMU calls it. */
function controllerAlias(controller: Element, machine: MachineType): string {
  const type = controller.attribute("type") ?? "";
  const index = controller.attribute("index") ?? "0";
  if (type === "pci") return `${controller.attribute("model") === "pcie-root" ? "pcie" : "pci"}.${index}`;
  if (index === "0" && type === "usb") return "usb";
  if (index === "0" && type === "ide" && machine.isI440fx) return "ide";
  if (index === "0" && type === "sata" && machine.isQ35) return "ide";
  return type + index;
}
