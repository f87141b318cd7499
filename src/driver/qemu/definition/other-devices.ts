import { memoryKib } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, readNumber, setDefault } from "../../objects/element-edit.ts";
import type { MachineType } from "./machine-type.ts";
import { readPciAddress, writePciAddress } from "./pci/pci-address.ts";
import { writeKib } from "./tuning.ts";

type Complete = (device: Element, machine: MachineType) => void;

/** What libvirt's QEMU driver fills in at devices that need little. Throws VirError. */
export function completeOther(device: Element, machine: MachineType): void {
  completers[device.name]?.(device, machine);
}

const completers: Readonly<Record<string, Complete>> = {
  input: completeInput,
  filesystem: completeFilesystem,
  watchdog: (device) => setDefault(device, "action", "reset"),
  memballoon: (device) => setDefault(device, "model", "virtio"),
  rng: completeRng,
  tpm: completeTpm,
  panic: (device) => setDefault(device, "model", "isa"),
  hostdev: completeHostDevice,
  shmem: completeSharedMemory,
  memory: completeMemoryModule,
  vsock: completeVsock,
  smartcard: () => {},
};

function completeInput(device: Element, { isX86 }: MachineType): void {
  const type = device.attribute("type") ?? "";
  const isPs2 = isX86 && (type === "mouse" || type === "keyboard");
  if (type === "evdev") return;
  setDefault(device, "bus", isPs2 ? "ps2" : type === "passthrough" ? "virtio" : "usb");
  if (device.attribute("bus") === "ps2" && !["mouse", "keyboard"].includes(type)) {
    const detail = `ps2 bus does not support ${type} input device`;
    throw VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
  }
}

function completeFilesystem(device: Element): void {
  setDefault(device, "type", "mount");
  setDefault(device, "accessmode", "passthrough");
  for (const name of ["fmode", "dmode"]) {
    const mode = device.attribute(name);
    if (mode !== undefined) device.setAttribute(name, mode.replace(/^0*/, "").padStart(4, "0"));
  }
}

function completeRng(device: Element): void {
  const backend = device.first("backend");
  if (backend?.attribute("model") === "random" && backend.text.trim() === "") backend.setText("/dev/random");
}

function completeTpm(device: Element): void {
  setDefault(device, "model", "tpm-tis");
  const backend = ensure(device, "backend");
  const isNew = device.attribute("model") === "tpm-crb" || device.attribute("model") === "tpm-spapr";
  if (backend.attribute("type") === "emulator") setDefault(backend, "version", isNew ? "2.0" : "1.2");
  const banks = backend.first("active_pcr_banks");
  const order = ["sha1", "sha256", "sha384", "sha512"];
  const known = order.flatMap((name) => banks?.first(name) ?? []);
  banks?.children.splice(0, banks.children.length, ...known);
}

function completeHostDevice(device: Element): void {
  setDefault(device, "mode", "subsystem");
  setDefault(device, "managed", "no");
  const source = ensure(device, "source");
  for (const name of ["vendor", "product"]) {
    const id = source.first(name);
    const value = readNumber(id?.attribute("id"));
    if (value !== undefined) id?.setAttribute("id", `0x${value.toString(16).padStart(4, "0")}`);
  }
  const type = device.attribute("type");
  const place = source.first("address");
  const address = type === "pci" ? place && readPciAddress(place) : undefined;
  if (place !== undefined && address !== undefined) writePciAddress(place, address);
  if (type === "mdev" && device.attribute("model") === "vfio-pci") setDefault(device, "display", "off");
}

/** In MiB, whatever was asked for. */
function completeSharedMemory(device: Element): void {
  const size = device.first("size");
  if (size === undefined) return;
  const kib = memoryKib(
    size.attribute("unit") === undefined ? Element.leaf("size", size.text, { unit: "B" }) : size,
    "./size",
  );
  size.setAttribute("unit", "M");
  size.setText(String(Math.floor(kib / 1024)));
}

function completeMemoryModule(device: Element): void {
  const sizes = [device.find("source", "pagesize"), device.find("source", "alignsize")];
  const target = device.first("target");
  const more = ["size", "block", "requested", "current"].map((name) => target?.first(name));
  for (const size of [...sizes, ...more, target?.find("label", "size")]) if (size !== undefined) writeKib(size);
}

function completeVsock(device: Element): void {
  setDefault(device, "model", "virtio");
  const cid = ensure(device, "cid");
  setDefault(cid, "auto", cid.attribute("address") === undefined ? "yes" : "no");
}
