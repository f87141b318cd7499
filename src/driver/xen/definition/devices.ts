import { randomBytes } from "node:crypto";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { highestController } from "../../drive-places.ts";
import { ensure, remove, reorder, setDefault } from "../../objects/element-edit.ts";
import { sortDisks } from "../../qemu/definition/disks.ts";
import { completeGraphics } from "../../qemu/definition/displays.ts";
import { completeCharacterDevices } from "./character-devices.ts";
import type { GuestKind } from "./complete.ts";
import { completeDisk } from "./disks.ts";

/** Fills in what libvirt's Xen driver fills in at a guest's devices, and adds those that it adds. Throws VirError. */
export function completeDevices(devices: Element, kind: GuestKind): void {
  reorder(devices, "disk", sortDisks(devices.all("disk")));
  for (const name of ["disk", "interface", "graphics", "hostdev"]) devices.all(name).forEach(completeDevice);
  completeCharacterDevices(devices, kind);
  completeControllers(devices);
  completeInputs(devices, kind);
  completeVideos(devices, kind);
  ensure(devices, "memballoon", { model: "xen" });
}

/** Of a kind that is the same wherever it stands. Throws VirError. */
export function completeDevice(device: Element): void {
  if (device.name === "disk") completeDisk(device);
  if (device.name === "interface") completeInterface(device);
  if (device.name === "graphics") completeGraphics(device);
  if (device.name === "hostdev") completeHostDevice(device);
}

function completeInterface(device: Element): void {
  const mac = device.first("mac");
  if (mac === undefined) device.children.unshift(new Element("mac", { address: newMac() }));
  else mac.setAttribute("address", normalMac(mac.attribute("address") ?? ""));
  const source = device.first("source");
  if (source?.attributes.length === 0 && source.elements().length === 0) remove(device, source);
  dropMadeName(device);
}

/** The name that a run made up for the host's side is no part of what the guest is to be. */
export function dropMadeName(device: Element): void {
  const target = device.first("target");
  if (target?.attribute("dev")?.startsWith("vif") !== true) return;
  target.removeAttribute("dev");
  if (target.attributes.length === 0) remove(device, target);
}

/** In the range that is Xen's. */
function newMac(): string {
  const own = [...randomBytes(3)].map((byte, at) => (at === 0 ? byte & 0x7f : byte).toString(16).padStart(2, "0"));
  return ["00", "16", "3e", ...own].join(":");
}

function normalMac(text: string): string {
  const parts = text.trim().split(":");
  if (parts.length !== 6 || !parts.every((part) => /^[\da-f]{1,2}$/i.test(part))) {
    throw failure(ErrorCode.xmlError, `unable to parse mac address '${text}'`);
  }
  const bytes = parts.map((part) => Number.parseInt(part, 16));
  if (((bytes[0] ?? 0) & 1) !== 0) {
    throw failure(ErrorCode.xmlError, `expected unicast mac address, found multicast '${text}'`);
  }
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function completeHostDevice(device: Element): void {
  setDefault(device, "mode", "subsystem");
  if (device.attribute("mode") !== "subsystem") {
    const detail = `hostdev mode '${device.attribute("mode")}' is not supported in xen`;
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.libxl, detail);
  }
  setDefault(device, "managed", "no");
  if (device.attribute("type") === "pci") setDefault(ensure(device, "driver"), "name", "xen");
}

function completeControllers(devices: Element): void {
  for (const controller of devices.all("controller")) setDefault(controller, "index", "0");
  ensureController(devices, "xenbus", 0);
  for (const type of ["scsi", "fdc", "ide", "sata"]) {
    const highest = highestController(devices, type) ?? -1;
    for (let index = 0; index <= highest; index++) ensureController(devices, type, index);
  }
  const isVirtio = (each: Element): boolean => each.first("target")?.attribute("type") === "virtio";
  if ([...devices.all("console"), ...devices.all("channel")].some(isVirtio)) {
    ensureController(devices, "virtio-serial", 0);
  }
}

function ensureController(devices: Element, type: string, index: number): void {
  const isThere = (each: Element): boolean =>
    each.attribute("type") === type && Number(each.attribute("index")) === index;
  if (devices.all("controller").some(isThere)) return;
  devices.children.push(new Element("controller", { type, index: String(index) }));
}

function completeInputs(devices: Element, kind: GuestKind): void {
  const own = kind === "hvm" ? "ps2" : "xen";
  for (const input of devices.all("input")) {
    const type = input.attribute("type") ?? "";
    setDefault(input, "bus", type === "tablet" ? "usb" : own);
    const bus = input.attribute("bus") ?? "";
    const isFit = ["mouse", "keyboard"].includes(type) || (type === "tablet" && bus === "usb");
    if (!isFit) throw failure(ErrorCode.internalError, `${bus} bus does not support ${type} input device`);
  }
  for (const type of ["mouse", "keyboard"]) {
    const isThere = (each: Element): boolean => each.attribute("type") === type && each.attribute("bus") === own;
    if (!devices.all("input").some(isThere)) devices.children.push(new Element("input", { type, bus: own }));
  }
}

/** In KiB. */
const videoMemory: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  vga: { vram: "16384" },
  cirrus: { vram: "8192" },
  xen: { vram: "4096" },
  qxl: { ram: "65536", vram: "65536" },
};

function completeVideos(devices: Element, kind: GuestKind): void {
  const standard = kind === "hvm" ? "cirrus" : "xen";
  if (devices.first("graphics") !== undefined && devices.first("video") === undefined) {
    devices.children.push(new Element("video", {}, [new Element("model", { type: standard })]));
  }
  for (const [index, video] of devices.all("video").entries()) {
    const model = ensure(video, "model");
    setDefault(model, "type", standard);
    const type = model.attribute("type") ?? "";
    if (type === "none") continue;
    for (const [name, size] of Object.entries(videoMemory[type] ?? {})) setDefault(model, name, size);
    setDefault(model, "heads", "1");
    model.removeAttribute("primary");
    if (index === 0) model.setAttribute("primary", "yes");
  }
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
