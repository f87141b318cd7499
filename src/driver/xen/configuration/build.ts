import type { Definition } from "../../../model/index.ts";
import type { Element } from "../../../xml/index.ts";
import { readNumberSet } from "../../qemu/definition/number-set.ts";
import { guestKind } from "../definition/complete.ts";
import { unsupported } from "../errors.ts";
import { serialText } from "./character.ts";
import { clockConfig } from "./clock.ts";
import { cpuConfig } from "./cpu.ts";
import { displayConfig, videoMemoryKib } from "./display.ts";
import { type BuildConfig, given, type HvmConfig } from "./parts.ts";

/** How libxl builds a domain: its memory, processors, kernel and machine. Throws VirError. */
export function buildConfig(definition: Definition): BuildConfig {
  const { root, memoryKib, currentMemoryKib, vcpus, maxVcpus } = definition;
  const kind = guestKind(root);
  const { hvm, ...clock } = clockConfig(root.first("clock") ?? root, kind);
  const common: BuildConfig = {
    max_vcpus: maxVcpus,
    avail_vcpus: Array.from({ length: vcpus }, (_, number) => number),
    ...pinning(root, maxVcpus),
    max_memkb: memoryKib,
    target_memkb: currentMemoryKib,
    shadow_memkb: shadowKib(memoryKib, maxVcpus),
    ...clock,
    ...cpuConfig(root.first("cpu")),
    ...busLimits(root),
  };
  if (kind === "hvm") return { ...common, ...machine(root, hvm) };
  const start = startOf(root);
  if (kind === "pvh") return { ...common, ...start, "type.pvh": {} };
  const { state } = { state: root.find("features", "xen", "e820_host")?.attribute("state") };
  const e820_host = state === undefined ? undefined : state === "on";
  return { ...common, "type.pv": given({ ...start, e820_host }) };
}

/** As libxl works it out: a page for each MiB of memory and 1 MiB for each processor, and as much again. */
function shadowKib(memoryKib: number, vcpus: number): number {
  return 4 * (256 * vcpus + 2 * Math.floor(memoryKib / 1024));
}

/** Which of the host's processors each of the guest's may run on; an empty set: on any. */
function pinning(root: Element, vcpus: number): BuildConfig {
  const pins = root.first("cputune")?.all("vcpupin") ?? [];
  const others = root.first("vcpu")?.attribute("cpuset");
  const highest = Math.max(-1, ...pins.map((pin) => Number(pin.attribute("vcpu"))));
  if (!Number.isInteger(highest) || highest >= vcpus) throw unsupported("a vcpu that the guest has not is pinned");
  const length = others === undefined ? highest + 1 : vcpus;
  if (length === 0) return {};
  const affinity = Array.from({ length }, (_, vcpu) => {
    const set = pins.find((pin) => Number(pin.attribute("vcpu")) === vcpu)?.attribute("cpuset") ?? others;
    return set === undefined ? [] : readNumberSet(set);
  });
  return { vcpu_hard_affinity: affinity, numa_placement: false };
}

function busLimits(root: Element): BuildConfig {
  const bus = root
    .first("devices")
    ?.all("controller")
    .find((each) => each.attribute("type") === "xenbus");
  const number = (name: string): number | undefined => {
    const text = bus?.attribute(name);
    return text === undefined ? undefined : Number(text);
  };
  return given<BuildConfig>({
    max_grant_frames: number("maxGrantFrames"),
    event_channels: number("maxEventChannels"),
  });
}

/** Kernel, or the program in domain 0 that finds one on the guest's disk. */
function startOf(
  root: Element,
): Pick<BuildConfig, "kernel" | "cmdline" | "ramdisk" | "bootloader" | "bootloader_args"> {
  const text = (...path: string[]): string | undefined => root.find(...path)?.text.trim() || undefined;
  const kernel = text("os", "kernel");
  const bootloader = text("bootloader");
  const args = text("bootloader_args");
  if (bootloader !== undefined) return given({ bootloader, bootloader_args: args === undefined ? undefined : [args] });
  if (kernel === undefined) return { bootloader: "pygrub" };
  return given({ kernel, cmdline: text("os", "cmdline"), ramdisk: text("os", "initrd") });
}

const bootLetters: Readonly<Record<string, string>> = { fd: "a", hd: "c", cdrom: "d", network: "n" };

function machine(root: Element, clock: HvmConfig): BuildConfig {
  const devices = root.first("devices");
  const features = root.first("features");
  const emulator = devices?.first("emulator")?.text.trim() || undefined;
  const has = (name: string): boolean => features?.first(name) !== undefined;
  const text = (name: string): string | undefined => root.find("os", name)?.text.trim() || undefined;
  const letters = root.first("os")?.all("boot") ?? [];
  const boot = letters.map((each) => bootLetters[each.attribute("dev") ?? ""] ?? "").join("");
  const isOvmf = root.first("os")?.attribute("firmware") === "efi" || loaderType(root) === "pflash";
  const serials = (devices?.all("serial") ?? []).map(serialText);
  if ((devices?.all("parallel").length ?? 0) > 0) throw unsupported("Parallel devices are not supported by libxl");
  return given<BuildConfig>({
    kernel: text("kernel"),
    cmdline: text("cmdline"),
    ramdisk: text("initrd"),
    video_memkb: devices && videoMemoryKib(devices),
    device_model_version: emulator === undefined ? undefined : "qemu_xen",
    device_model: emulator,
    acpi: has("acpi"),
    apic: has("apic"),
    "type.hvm": given<HvmConfig>({
      bios: isOvmf ? "ovmf" : undefined,
      pae: has("pae"),
      viridian: has("viridian") ? true : undefined,
      ...clock,
      ...(devices === undefined ? {} : displayConfig(devices)),
      serial: serials.length === 1 ? serials[0] : undefined,
      serial_list: serials.length > 1 ? serials : undefined,
      boot: boot === "" ? "c" : boot,
      usbdevice_list: usbInputs(devices),
      soundhw: devices?.first("sound")?.attribute("model"),
    }),
  });
}

function loaderType(root: Element): string | undefined {
  return root.find("os", "loader")?.attribute("type");
}

function usbInputs(devices: Element | undefined): string[] | undefined {
  const inputs = (devices?.all("input") ?? []).filter((each) => each.attribute("bus") === "usb");
  const types = inputs.map((each) => each.attribute("type") ?? "");
  if (types.some((type) => type !== "tablet" && type !== "mouse")) throw unsupported("Unknown input device type");
  return types.length === 0 ? undefined : types;
}
