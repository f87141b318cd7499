import type { DomainConfig } from "../../../libxl/index.ts";
import { readNumberSet } from "../../qemu/definition/number-set.ts";
import { checked } from "../configuration/index.ts";
import { type BuildConfig, given, type HvmConfig } from "../configuration/parts.ts";
import type { GuestKind } from "../definition/complete.ts";
import { readCpuid } from "./cpuid-text.ts";
import {
  readChannel,
  readFramebuffer,
  readNic,
  readPci,
  readUsbController,
  readUsbDevice,
  readVnc,
} from "./device-entries.ts";
import { readDisk } from "./disk-entry.ts";
import { Settings, wrong } from "./settings.ts";
import { parseAssignments, type Value } from "./syntax.ts";
import type { Dialect } from "./write-config.ts";

/** libxl's configuration of a guest from a file of xl's, or of the older xm's. Throws VirError. */
export function readConfig(source: string, dialect: Dialect): DomainConfig {
  const settings = new Settings(parseAssignments(source));
  const name = settings.text("name");
  if (name === undefined) throw wrong("name", "was missing");
  const kind = kindOf(settings);
  const hvm = kind === "hvm" ? machineOf(settings) : undefined;
  const framebuffers = kind === "hvm" ? ownFramebuffer(hvm ?? {}) : settings.texts("vfb").map(readFramebuffer);
  return checked({
    c_info: given({
      type: kind,
      name,
      uuid: settings.text("uuid"),
      hap: settings.flag("hap"),
      passthrough: settings.text("passthrough"),
    }),
    b_info: { ...buildOf(settings, kind), ...(hvm === undefined ? {} : { "type.hvm": hvm }) },
    ...lists({
      disks: settings.texts("disk").map((text) => readDisk(text, dialect === "xm")),
      nics: settings.texts("vif").map((text, at) => readNic(text, at, kind === "hvm")),
      pcidevs: settings.texts("pci").map(readPci),
      usbctrls: settings.texts("usbctrl").map(readUsbController),
      usbdevs: settings.texts("usbdev").map(readUsbDevice),
      vfbs: framebuffers,
      vkbs: framebuffers.map(() => ({})),
      channels: settings.texts("channel").map(readChannel),
    }),
    ...actionsOf(settings),
  });
}

function lists<T extends Readonly<Record<string, readonly unknown[]>>>(all: T): Partial<T> {
  return Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0)) as Partial<T>;
}

function kindOf(settings: Settings): GuestKind {
  const type = settings.text("type") ?? (settings.text("builder") === "hvm" ? "hvm" : "pv");
  if (type === "pv" || type === "pvh" || type === "hvm") return type;
  throw wrong("type", `must be "pv", "pvh" or "hvm", not "${type}"`);
}

/** Of an HVM guest what its screen shows is also there as a framebuffer. */
function ownFramebuffer({ vnc, sdl, keymap, spice }: HvmConfig): NonNullable<DomainConfig["vfbs"]> {
  if (spice?.enable === true) return [{ vnc: {}, sdl: {} }];
  if (vnc?.enable !== true && sdl?.enable !== true) return [];
  return [{ ...(vnc && { vnc }), ...(sdl && { sdl }), ...(keymap !== undefined && { keymap }) }];
}

const mib = 1024;

function buildOf(settings: Settings, kind: GuestKind): BuildConfig {
  const target = settings.number("memory") ?? 0;
  const most = settings.number("maxmem") ?? target;
  const vcpus = vcpusOf(settings);
  const affinity = affinityOf(settings.value("cpus"), vcpus.max_vcpus ?? 1);
  const offset = settings.number("rtc_timeoffset") ?? 0;
  return {
    ...vcpus,
    ...(affinity === undefined ? {} : { vcpu_hard_affinity: affinity, numa_placement: false }),
    ...given<BuildConfig>({
      max_memkb: Math.max(most, target) * mib,
      target_memkb: (target === 0 ? most : target) * mib,
      video_memkb: kind === "hvm" ? scaled(settings.number("videoram")) : undefined,
      shadow_memkb: scaled(settings.number("shadow_memory")),
      tsc_mode: tscMode(settings),
      localtime: settings.flag("localtime") === true ? true : undefined,
      rtc_timeoffset: offset === 0 ? undefined : offset >>> 0,
      cpuid: readCpuid(settings.texts("cpuid")),
      nested_hvm: settings.flag("nestedhvm"),
      max_grant_frames: settings.number("max_grant_frames"),
      event_channels: settings.number("max_event_channels") ?? settings.number("event_channels"),
      vnuma_nodes: nodesOf(settings.value("vnuma")),
      ...(kind === "hvm" ? { acpi: settings.flag("acpi") ?? true, apic: settings.flag("apic") ?? true } : {}),
      ...emulatorOf(settings, kind),
    }),
    ...startOf(settings, kind),
  };
}

function scaled(mibs: number | undefined): number | undefined {
  return mibs === undefined || mibs === 0 ? undefined : mibs * mib;
}

function vcpusOf(settings: Settings): BuildConfig {
  const vcpus = settings.number("vcpus") ?? 1;
  const most = settings.number("maxvcpus") ?? vcpus;
  const mask = settings.number("vcpu_avail");
  if (most < 1 || most > 512 || vcpus < 1) throw wrong("vcpus", "must be a number from 1 to 512");
  const all = Array.from({ length: most }, (_, number) => number);
  const online =
    mask === undefined ? all.slice(0, vcpus) : all.filter((vcpu) => Math.floor(mask / 2 ** vcpu) % 2 === 1);
  return { max_vcpus: most, avail_vcpus: online };
}

/** "0-3,^1" for all of the guest's processors, or one of these for each. */
function affinityOf(value: Value | undefined, vcpus: number): number[][] | undefined {
  if (value === undefined || value === "all") return undefined;
  if (typeof value === "object") return value.map((each) => (each === "all" ? [] : readNumberSet(String(each))));
  const cpus = readNumberSet(String(value));
  return Array.from({ length: vcpus }, () => cpus);
}

const tscModes = ["default", "always_emulate", "native", "native_paravirt"];

function tscMode(settings: Settings): string | undefined {
  const text = settings.text("tsc_mode");
  if (text === undefined || text === "default" || text === "0") return undefined;
  const mode = /^\d$/.test(text) ? tscModes[Number(text)] : text;
  if (mode !== undefined && tscModes.includes(mode)) return mode;
  throw wrong("tsc_mode", `is unknown: '${text}'`);
}

/** Each a list of "pnode=0", "size=128", "vcpus=0-1", "vdistances=10,20". */
function nodesOf(value: Value | undefined): BuildConfig["vnuma_nodes"] {
  if (value === undefined) return undefined;
  if (typeof value !== "object") throw wrong("vnuma", "must be a list");
  return value.map((node) => {
    if (typeof node !== "object") throw wrong("vnuma", "must be a list of lists");
    const fields = new Map(
      node.map((text) => {
        const [, name = "", field = ""] = /^([a-z]+)=(.*)$/.exec(String(text)) ?? [];
        return [name, field];
      }),
    );
    const distances = fields.get("vdistances")?.split(",").map(Number) ?? [];
    return {
      memkb: Number(fields.get("size") ?? 0) * mib,
      distances,
      vcpus: readNumberSet(fields.get("vcpus") ?? "0"),
    };
  });
}

function emulatorOf(settings: Settings, kind: GuestKind): BuildConfig {
  const path = settings.text("device_model_override") ?? settings.text("device_model");
  return kind === "hvm" && path !== undefined ? { device_model_version: "qemu_xen", device_model: path } : {};
}

function startOf(settings: Settings, kind: GuestKind): BuildConfig {
  const isLoader = settings.text("kernel")?.endsWith("hvmloader") === true;
  const kernel = kind === "hvm" && isLoader ? undefined : settings.text("kernel");
  const bootloader = kind === "hvm" ? undefined : settings.text("bootloader");
  const args = [settings.texts("bootloader_args"), settings.texts("bootargs")].flat();
  const start = given({
    kernel: bootloader === undefined ? kernel : undefined,
    cmdline: kernel === undefined || bootloader !== undefined ? undefined : commandLine(settings),
    ramdisk: bootloader === undefined ? settings.text("ramdisk") : undefined,
    bootloader: bootloader ?? (kernel === undefined && kind !== "hvm" ? "pygrub" : undefined),
    bootloader_args: bootloader === undefined || args.length === 0 ? undefined : [args.join(" ")],
  });
  if (kind === "hvm") return start;
  if (kind === "pvh") return { ...start, "type.pvh": {} };
  return { "type.pv": given({ ...start, e820_host: settings.flag("e820_host") }) };
}

/** Whole, or what Linux is told of its root and what else. */
function commandLine(settings: Settings): string | undefined {
  const whole = settings.text("cmdline");
  if (whole !== undefined) return whole;
  const root = settings.text("root");
  const words = [...(root === undefined ? [] : [`root=${root}`]), settings.text("extra") ?? ""];
  return words.filter((word) => word !== "").join(" ") || undefined;
}

const vgas: Readonly<Record<string, string>> = {
  stdvga: "std",
  std: "std",
  cirrus: "cirrus",
  qxl: "qxl",
  none: "none",
};

function machineOf(settings: Settings): HvmConfig {
  const of = (name: string): string | undefined => settings.text(name);
  const isSdl = settings.flag("sdl") === true;
  const isVnc = settings.flag("vnc") === true;
  const isSpice = settings.flag("spice") === true;
  const isShown = isSdl || isVnc || isSpice;
  const kind = settings.flag("stdvga") === true ? "std" : vgas[of("vga") ?? "cirrus"];
  const serials = settings.texts("serial").filter((text) => text !== "none");
  const usb = settings.texts("usbdevice");
  const hpet = settings.flag("hpet");
  return given<HvmConfig>({
    bios: of("bios") === "ovmf" || ["uefi", "ovmf"].includes(of("firmware") ?? "") ? "ovmf" : undefined,
    pae: settings.flag("pae") ?? true,
    viridian: settings.flag("viridian") === true || of("viridian")?.length === 0 ? true : undefined,
    hpet: hpet === true ? true : undefined,
    nographic: isShown ? undefined : true,
    vga: { kind: isShown ? (kind ?? "cirrus") : "none" },
    vnc: isVnc ? readVnc(of) : { enable: false },
    sdl: isSdl
      ? given({
          enable: true,
          opengl: settings.flag("opengl") ?? false,
          display: of("display"),
          xauthority: of("xauthority"),
        })
      : { enable: false },
    keymap: isShown ? of("keymap") : undefined,
    spice: isSpice ? spiceOf(settings) : undefined,
    serial: serials.length === 1 ? serials[0] : undefined,
    serial_list: serials.length > 1 ? serials : undefined,
    boot: of("boot") ?? "c",
    usbdevice_list: usb.length === 0 ? undefined : usb,
    soundhw: of("soundhw"),
  });
}

function spiceOf(settings: Settings): NonNullable<HvmConfig["spice"]> {
  const password = settings.text("spicepasswd");
  const vdagent = settings.flag("spicevdagent") ?? false;
  return given({
    enable: true,
    port: settings.number("spiceport"),
    tls_port: settings.number("spicetls_port"),
    host: settings.text("spicehost"),
    disable_ticketing: settings.flag("spicedisable_ticketing") ?? password === undefined,
    passwd: password,
    agent_mouse: settings.flag("spiceagent_mouse") ?? true,
    vdagent,
    clipboard_sharing: settings.flag("spice_clipboard_sharing") ?? false,
  });
}

const actions: Readonly<Record<string, string>> = {
  destroy: "destroy",
  restart: "restart",
  "rename-restart": "restart_rename",
  preserve: "preserve",
  "coredump-destroy": "coredump_destroy",
  "coredump-restart": "coredump_restart",
};

function actionsOf(settings: Settings): Pick<DomainConfig, "on_poweroff" | "on_reboot" | "on_crash"> {
  const of = (name: string, usual: string): string | undefined => {
    const word = actions[settings.text(name) ?? usual];
    if (word === undefined) throw wrong(name, `is unknown: '${settings.text(name)}'`);
    return word === "destroy" ? undefined : word;
  };
  return given({
    on_poweroff: of("on_poweroff", "destroy"),
    on_reboot: of("on_reboot", "restart"),
    on_crash: of("on_crash", "restart"),
  });
}
