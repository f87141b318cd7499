import type { DomainConfig } from "../../../libxl/index.ts";
import { writeNumberSet } from "../../qemu/definition/number-set.ts";
import type { BuildConfig, HvmConfig } from "../configuration/parts.ts";
import { unsupported } from "../errors.ts";
import { writeCpuid } from "./cpuid-text.ts";
import {
  vncFields,
  writeChannel,
  writeFramebuffer,
  writeNic,
  writePci,
  writeUsbController,
  writeUsbDevice,
} from "./device-entries.ts";
import { writeDisk, writeOldDisk } from "./disk-entry.ts";
import { type Value, writeAssignments } from "./syntax.ts";

/** Whose file it is to be: xl's own words, or those of the older xm, which xl reads too. */
export type Dialect = "xl" | "xm";

/** A file that makes the same of xl as libxl makes of the configuration. Throws VirError for what xm has no words for. */
export function writeConfig(config: DomainConfig, dialect: Dialect): string {
  const { c_info: info = {}, b_info: build = {} } = config;
  const isHvm = info.type === "hvm";
  if (dialect === "xm" && info.type === "pvh") throw unsupported("xen-xm has no PVH guests");
  const hvm = build["type.hvm"] ?? {};
  const settings: Readonly<Record<string, Value | boolean | undefined>> = {
    name: info.name,
    uuid: info.uuid,
    ...(dialect === "xl" ? { type: info.type } : { builder: isHvm ? "hvm" : "generic" }),
    ...memory(build),
    ...processors(build, dialect),
    ...start(build, dialect),
    hap: info.hap,
    passthrough: info.passthrough,
    e820_host: build["type.pv"]?.e820_host,
    ...time(build),
    nestedhvm: build.nested_hvm,
    max_grant_frames: build.max_grant_frames,
    max_event_channels: build.event_channels,
    on_poweroff: action(config.on_poweroff),
    on_reboot: action(config.on_reboot),
    on_crash: action(config.on_crash),
    ...(isHvm ? machine(build, hvm, dialect) : {}),
    disk: list(config.disks, dialect === "xl" ? writeDisk : writeOldDisk),
    vif: list(config.nics, writeNic),
    vfb: isHvm ? undefined : list(config.vfbs, writeFramebuffer),
    pci: list(config.pcidevs, writePci),
    usbctrl: list(config.usbctrls, writeUsbController),
    usbdev: list(config.usbdevs, writeUsbDevice),
    channel: list(config.channels, writeChannel),
  };
  const written = Object.entries(settings).flatMap(([name, value]): [string, Value][] => {
    if (value === undefined) return [];
    return [[name, typeof value === "boolean" ? Number(value) : value]];
  });
  return writeAssignments(written);
}

function list<T>(items: readonly T[] | undefined, write: (item: T) => string): string[] | undefined {
  return items === undefined || items.length === 0 ? undefined : items.map((item) => write(item));
}

function memory({ max_memkb: most = 0, target_memkb: target = most }: BuildConfig): Record<string, Value> {
  return { maxmem: Math.floor(most / 1024), memory: Math.floor(target / 1024) };
}

type Written = Readonly<Record<string, Value | boolean | undefined>>;

function processors(build: BuildConfig, dialect: Dialect): Written {
  const { max_vcpus: most = 1, avail_vcpus: online = [], vcpu_hard_affinity: pins = [] } = build;
  const isWhole = online.length === 0 || online.length === most;
  const fewer =
    dialect === "xl"
      ? { maxvcpus: most, vcpus: online.length }
      : { vcpus: most, vcpu_avail: online.reduce((mask, vcpu) => mask + 2 ** vcpu, 0) };
  const cpus = pins.map((each) => (each.length === 0 ? "all" : writeNumberSet(each)));
  const nodes = (build.vnuma_nodes ?? []).map(({ memkb = 0, vcpus = [], distances = [] }, pnode) => [
    `pnode=${pnode}`,
    `size=${Math.floor(memkb / 1024)}`,
    `vcpus=${writeNumberSet(vcpus)}`,
    ...(distances.length === 0 ? [] : [`vdistances=${distances.join(",")}`]),
  ]);
  return {
    ...(isWhole ? { vcpus: most } : fewer),
    cpus: cpus.length === 0 ? undefined : cpus,
    cpuid: writeCpuid(build.cpuid),
    vnuma: nodes.length === 0 ? undefined : nodes,
  };
}

function start(build: BuildConfig, dialect: Dialect): Written {
  const { kernel, cmdline, ramdisk, bootloader, bootloader_args: args } = { ...build, ...build["type.pv"] };
  const line = dialect === "xl" ? { cmdline } : { extra: cmdline };
  return { kernel, ramdisk, ...line, bootloader, bootloader_args: args?.join(" ") };
}

function time({ localtime, rtc_timeoffset: seconds = 0, tsc_mode: tsc }: BuildConfig): Written {
  return {
    localtime: localtime === true,
    // xl knows no number below zero but as a text.
    rtc_timeoffset: seconds === 0 ? undefined : String(seconds | 0),
    tsc_mode: tsc === "default" ? undefined : tsc,
  };
}

function action(word: string | undefined): string {
  const texts: Readonly<Record<string, string>> = {
    restart_rename: "rename-restart",
    coredump_destroy: "coredump-destroy",
    coredump_restart: "coredump-restart",
  };
  return texts[word ?? ""] ?? word ?? "destroy";
}

function machine(build: BuildConfig, hvm: HvmConfig, dialect: Dialect): Written {
  if (dialect === "xm" && hvm.serial_list !== undefined) {
    throw unsupported("Multiple serial devices are not supported by xen-xm");
  }
  const { vnc = {}, sdl = {}, spice = {} } = hvm;
  const inputs = hvm.usbdevice_list ?? [];
  return {
    pae: hvm.pae,
    acpi: build.acpi,
    apic: build.apic,
    viridian: hvm.viridian,
    hpet: hvm.hpet,
    bios: hvm.bios,
    boot: hvm.boot,
    device_model_version: build.device_model_version?.replace("_", "-"),
    device_model_override: build.device_model,
    vga: hvm.nographic === true ? undefined : hvm.vga?.kind?.replace(/^std$/, "stdvga"),
    nographic: hvm.nographic,
    videoram: build.video_memkb === undefined ? undefined : Math.floor(build.video_memkb / 1024),
    sdl: sdl.enable ?? false,
    ...(sdl.enable === true ? { display: sdl.display, xauthority: sdl.xauthority } : {}),
    vnc: vnc.enable ?? false,
    ...(vnc.enable === true ? vncFields(vnc) : {}),
    keymap: hvm.keymap,
    ...(spice.enable === true ? spiceSettings(spice) : {}),
    serial: hvm.serial_list ?? hvm.serial,
    usb: inputs.length === 0 ? undefined : 1,
    usbdevice: inputs.length > 1 ? inputs : inputs[0],
    soundhw: hvm.soundhw,
  };
}

function spiceSettings(spice: NonNullable<HvmConfig["spice"]>): Written {
  return {
    spice: 1,
    spiceport: spice.port,
    spicetls_port: spice.tls_port,
    spicehost: spice.host,
    spicedisable_ticketing: spice.disable_ticketing,
    spicepasswd: spice.passwd,
    spiceagent_mouse: spice.agent_mouse,
    spicevdagent: spice.vdagent,
    spice_clipboard_sharing: spice.clipboard_sharing,
  };
}
