import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioOptions } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, type Part, type Properties } from "./part.ts";
import { flag, number, unsupported } from "./reading.ts";

/** `<video>`. The first one is what the firmware shows itself on. */
export function video(element: Element, context: GuestContext): Part[] {
  const model = element.first("model");
  const type = model?.attribute("type") ?? "cirrus";
  if (type === "none") return [];
  const build = models[type];
  if (build === undefined) throw unsupported(`video model '${type}' is not supported`);
  if (flag(model?.first("acceleration"), "accel3d") === true) throw unsupported("3D acceleration is not supported");
  const [primary, secondary] = drivers[type] ?? [];
  const isPrimary = flag(model, "primary") ?? context.all("video")[0] === element;
  const driver = isPrimary ? primary : secondary;
  if (driver === undefined) throw unsupported(`video model '${type}' can only be the primary one`);
  const id = context.idOf(element, "video");
  const resolution = model?.first("resolution");
  const size =
    type === "cirrus" || type === "ramfb" ? {} : { xres: number(resolution, "x"), yres: number(resolution, "y") };
  return [device(driver, { id, ...build(model, element), ...size, ...addressOf(element, context) })];
}

const drivers: Readonly<Record<string, readonly [primary: string, secondary?: string]>> = {
  vga: ["VGA"],
  cirrus: ["cirrus-vga"],
  vmvga: ["vmware-svga"],
  qxl: ["qxl-vga", "qxl"],
  virtio: ["virtio-vga", "virtio-gpu-pci"],
  bochs: ["bochs-display"],
  ramfb: ["ramfb"],
};

type Build = (model: Element | undefined, video: Element) => Properties;

const models: Readonly<Record<string, Build>> = {
  vga: (model) => ({ vgamem_mb: mebibytes(model, "vram") }),
  cirrus: () => ({}),
  vmvga: (model) => ({ vgamem_mb: mebibytes(model, "vram") }),
  qxl: (model) => ({
    max_outputs: number(model, "heads"),
    ram_size: bytes(model, "ram"),
    vram_size: bytes(model, "vram"),
    vram64_size_mb: mebibytes(model, "vram64") ?? 0,
    vgamem_mb: mebibytes(model, "vgamem"),
  }),
  virtio: (model, video) => ({ ...virtioOptions(video), max_outputs: number(model, "heads") }),
  bochs: (model) => ({ vgamem: bytes(model, "vram") }),
  ramfb: () => ({}),
};

function bytes(model: Element | undefined, name: string): number | undefined {
  const kib = number(model, name);
  return kib === undefined ? undefined : kib * 1024;
}

function mebibytes(model: Element | undefined, name: string): number | undefined {
  const kib = number(model, name);
  return kib === undefined ? undefined : Math.ceil(kib / 1024);
}
