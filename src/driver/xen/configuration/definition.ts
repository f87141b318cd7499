import type { DomainConfig } from "../../../libxl/index.ts";
import { Definition } from "../../../model/index.ts";
import { Element } from "../../../xml/index.ts";
import { writeNumberSet } from "../../qemu/definition/number-set.ts";
import { completeDefinition, type GuestKind } from "../definition/complete.ts";
import { actionElements } from "./actions.ts";
import { channelElement, serialElement } from "./character.ts";
import { clockElement } from "./clock.ts";
import { cpuElement } from "./cpu.ts";
import { diskElement } from "./disk.ts";
import { displayElements } from "./display.ts";
import { pciElement, usbControllerElement, usbDeviceElement } from "./host-device.ts";
import { nicElement } from "./nic.ts";
import { attributes, type BuildConfig } from "./parts.ts";

/** The definition, complete, of a guest that libxl has this configuration of. Throws VirError when it is none. */
export function definitionOf(config: DomainConfig): Definition {
  return Definition.of(domainElement(config), completeDefinition);
}

/** As `definitionOf`, not completed. */
export function domainElement(config: DomainConfig): Element {
  const { c_info: info = {}, b_info: build = {} } = config;
  const kind: GuestKind = info.type === "hvm" || info.type === "pvh" ? info.type : "pv";
  const { max_memkb: most = 0, target_memkb: target = most, max_vcpus: vcpus = 1 } = build;
  const hvm = build["type.hvm"] ?? {};
  const cpu = cpuElement(build);
  return new Element("domain", { type: "xen" }, [
    Element.leaf("name", info.name ?? ""),
    ...(info.uuid === undefined ? [] : [Element.leaf("uuid", info.uuid)]),
    Element.leaf("memory", String(most), { unit: "KiB" }),
    Element.leaf("currentMemory", String(target), { unit: "KiB" }),
    Element.leaf("vcpu", String(vcpus), attributes({ placement: "static", current: onlineOf(build, vcpus) })),
    ...pinElement(build),
    ...bootloaderElements({ ...build, ...build["type.pv"] }),
    osElement(kind, build),
    ...featuresElement(kind, config),
    ...(cpu === undefined ? [] : [cpu]),
    clockElement(build, hvm),
    ...actionElements(config),
    new Element("devices", {}, devices(kind, config)),
  ]);
}

function onlineOf({ avail_vcpus: online }: BuildConfig, vcpus: number): number | undefined {
  return online === undefined || online.length === vcpus || online.length === 0 ? undefined : online.length;
}

function pinElement({ vcpu_hard_affinity: affinity = [] }: BuildConfig): Element[] {
  const pins = affinity.flatMap((cpus, vcpu) =>
    cpus.length === 0 ? [] : [new Element("vcpupin", { vcpu: String(vcpu), cpuset: writeNumberSet(cpus) })],
  );
  return pins.length === 0 ? [] : [new Element("cputune", {}, pins)];
}

function bootloaderElements({ bootloader, bootloader_args: args = [] }: BuildConfig): Element[] {
  if (bootloader === undefined || bootloader === "pygrub") return [];
  const extra = args.length === 0 ? [] : [Element.leaf("bootloader_args", args.join(" "))];
  return [Element.leaf("bootloader", bootloader), ...extra];
}

const osTypes: Readonly<Record<GuestKind, string>> = { pv: "linux", pvh: "xenpvh", hvm: "hvm" };
const machines: Readonly<Record<GuestKind, string>> = { pv: "xenpv", pvh: "xenpvh", hvm: "xenfv" };
const bootDevices: Readonly<Record<string, string>> = { a: "fd", c: "hd", d: "cdrom", n: "network" };

function osElement(kind: GuestKind, build: BuildConfig): Element {
  const { kernel, cmdline, ramdisk } = { ...build, ...build["type.pv"] };
  const hvm = build["type.hvm"] ?? {};
  const leaf = (name: string, text: string | undefined): Element[] =>
    text === undefined || text === "" ? [] : [Element.leaf(name, text)];
  const boot = Array.from(kind === "hvm" ? (hvm.boot ?? "c") : "").flatMap((letter) => bootDevices[letter] ?? []);
  return new Element("os", kind === "hvm" && hvm.bios === "ovmf" ? { firmware: "efi" } : {}, [
    Element.leaf("type", osTypes[kind], { arch: "x86_64", machine: machines[kind] }),
    ...leaf("kernel", kernel),
    ...leaf("initrd", ramdisk),
    ...leaf("cmdline", cmdline),
    ...boot.map((dev) => new Element("boot", { dev })),
  ]);
}

function featuresElement(kind: GuestKind, { c_info: info = {}, b_info: build = {} }: DomainConfig): Element[] {
  const hvm = build["type.hvm"] ?? {};
  const host = build["type.pv"]?.e820_host;
  const xen = [
    ...(host === undefined ? [] : [new Element("e820_host", { state: host ? "on" : "off" })]),
    ...passthroughElement(info.passthrough),
  ];
  const isHvm = kind === "hvm";
  const features = [
    ...(isHvm && (build.acpi ?? hvm.acpi ?? true) ? [new Element("acpi")] : []),
    ...(isHvm && (build.apic ?? hvm.apic ?? true) ? [new Element("apic")] : []),
    ...(info.hap === undefined ? [] : [new Element("hap", { state: info.hap ? "on" : "off" })]),
    ...(hvm.viridian === true ? [new Element("viridian")] : []),
    ...(xen.length === 0 ? [] : [new Element("xen", {}, xen)]),
  ];
  return features.length === 0 ? [] : [new Element("features", {}, features)];
}

function passthroughElement(mode: string | undefined): Element[] {
  if (mode === undefined || mode === "default" || mode === "disabled") return [];
  return [new Element("passthrough", mode === "enabled" ? { state: "on" } : { state: "on", mode })];
}

function devices(kind: GuestKind, config: DomainConfig): Element[] {
  const build = config.b_info ?? {};
  const hvm = build["type.hvm"] ?? {};
  const serials = hvm.serial_list ?? (hvm.serial === undefined ? [] : [hvm.serial]);
  const inputs = hvm.usbdevice_list ?? (hvm.usbdevice === undefined ? [] : [hvm.usbdevice]);
  const { max_grant_frames: maxGrantFrames, event_channels: maxEventChannels } = build;
  return [
    ...(build.device_model === undefined ? [] : [Element.leaf("emulator", build.device_model)]),
    ...(config.disks ?? []).map(diskElement),
    ...(config.usbctrls ?? []).map(usbControllerElement),
    new Element("controller", attributes({ type: "xenbus", index: 0, maxGrantFrames, maxEventChannels })),
    ...(config.nics ?? []).map(nicElement),
    ...serials.flatMap((text, port) => serialElement(text, port) ?? []),
    ...(config.channels ?? []).map(channelElement),
    ...inputs
      .filter((type) => type === "tablet" || type === "mouse")
      .map((type) => new Element("input", { type, bus: "usb" })),
    ...displayElements(kind, hvm, config.vfbs ?? [], build.video_memkb),
    ...(hvm.soundhw === undefined ? [] : [new Element("sound", { model: hvm.soundhw })]),
    ...(config.pcidevs ?? []).map(pciElement),
    ...(config.usbdevs ?? []).map(usbDeviceElement),
  ];
}
