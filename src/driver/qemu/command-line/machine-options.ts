import type { Firmware } from "./firmware.ts";
import type { GuestContext } from "./guest-context.ts";
import { backendOf } from "./memory.ts";
import { hasInterconnects, numaCells } from "./numa.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { flag } from "./reading.ts";

/** The machine and what runs it. */
export function machine(context: GuestContext, { machine: flashes }: Firmware): Part[] {
  const { root, definition } = context;
  const features = root.first("features");
  const isUsedByTimer = (name: string): boolean | undefined => timer(context, name);
  const options = optionText({
    // The key is written out: without it a name with "=" in it would be taken for an option.
    type: context.machine,
    usb: false,
    "dump-guest-core": flag(root.first("memory"), "dumpCore") ?? false,
    "mem-merge": root.find("memoryBacking", "nosharepages") === undefined ? undefined : false,
    ...x86Options(context),
    hpet: context.isX86 ? isUsedByTimer("hpet") : undefined,
    smm: flag(features?.first("smm"), "state") ?? (features?.first("smm") === undefined ? undefined : true),
    vmport: flag(features?.first("vmport"), "state"),
    kernel_irqchip: irqChip(features?.first("ioapic")?.attribute("driver")),
    hmat: hasInterconnects(context) && numaCells(context).length > 0 ? true : undefined,
    nvdimm: context.all("memory").some((memory) => memory.attribute("model") === "nvdimm") ? true : undefined,
    "memory-backend": backendOf(context),
    ...flashes,
  });
  return [argument("-machine", options), argument("-accel", accelerator(definition.type, context)), ...tseg(context)];
}

function x86Options({ root, isX86 }: GuestContext): { acpi?: boolean; graphics?: boolean } {
  return {
    ...(isX86 ? { acpi: root.find("features", "acpi") !== undefined } : {}),
    // Without a display the firmware then talks on the first serial port.
    ...(flag(root.find("os", "bios"), "useserial") === true ? { graphics: false } : {}),
  };
}

function irqChip(driver: string | undefined): string | undefined {
  return driver === undefined ? undefined : driver === "qemu" ? "split" : "on";
}

/** Whether a clock of the machine is to be there; undefined: as the machine has it. */
function timer({ root }: GuestContext, name: string): boolean | undefined {
  const timer = root
    .first("clock")
    ?.all("timer")
    .find((each) => each.attribute("name") === name);
  return flag(timer, "present");
}

function accelerator(type: string, { root }: GuestContext): string {
  const cache = root.find("features", "tcg", "tb-cache");
  const mebibytes = cache === undefined ? undefined : Number(cache.text.trim());
  if (type === "kvm") return "kvm";
  return mebibytes === undefined || !Number.isInteger(mebibytes) ? "tcg" : `tcg,tb-size=${mebibytes}`;
}

/** How much of a q35's memory the firmware may keep from the guest. */
function tseg({ root, isQ35 }: GuestContext): Part[] {
  const size = root.find("features", "smm", "tseg");
  if (size === undefined || !isQ35) return [];
  const perMebibyte: Readonly<Record<string, number>> = { MiB: 1, M: 1, GiB: 1024, G: 1024 };
  const mebibytes = Number(size.text.trim()) * (perMebibyte[size.attribute("unit") ?? "MiB"] ?? 1);
  return [argument("-global", `mch.extended-tseg-mbytes=${mebibytes}`)];
}
