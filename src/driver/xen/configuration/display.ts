import { Element } from "../../../xml/index.ts";
import type { GuestKind } from "../definition/complete.ts";
import { unsupported } from "../errors.ts";
import { attributes, type FramebufferConfig, given, type HvmConfig, type VncConfig } from "./parts.ts";

/** Where VNC's display 0 is. */
const firstPort = 5_900;

/** The framebuffers of a guest: one for each display but SPICE's, which have an empty one. Throws VirError. */
export function framebufferConfigs(devices: Element): FramebufferConfig[] {
  return devices.all("graphics").map((graphics) => {
    const type = graphics.attribute("type");
    if (type === "vnc") return { vnc: vncConfig(graphics), sdl: { enable: false }, ...keymapOf(graphics) };
    if (type === "sdl") return { vnc: { enable: false }, sdl: sdlConfig(graphics), ...keymapOf(graphics) };
    if (type === "spice") return { vnc: {}, sdl: {} };
    throw unsupported(`graphics of type '${type}' are not supported by the Xen driver`);
  });
}

/** What an HVM guest's QEMU shows, and by what adapter. Throws VirError. */
export function displayConfig(devices: Element): HvmConfig {
  const [graphics] = devices.all("graphics");
  const off = { vnc: { enable: false }, sdl: { enable: false } };
  if (graphics === undefined) return { nographic: true, vga: { kind: "none" }, ...off };
  const vga = { vga: { kind: adapterOf(devices) } };
  const type = graphics.attribute("type");
  if (type === "vnc") {
    return { ...vga, vnc: vncConfig(graphics), sdl: { enable: false }, ...keymapOf(graphics) };
  }
  if (type === "sdl") return { ...vga, vnc: { enable: false }, sdl: sdlConfig(graphics), ...keymapOf(graphics) };
  return { ...vga, ...off, spice: spiceConfig(graphics) };
}

/** In KiB; undefined where there is no adapter. */
export function videoMemoryKib(devices: Element): number | undefined {
  if (devices.first("graphics") === undefined) return undefined;
  const vram = devices.find("video", "model")?.attribute("vram");
  return vram === undefined ? undefined : Number(vram);
}

const adapters: Readonly<Record<string, readonly [kind: string, leastKib: number, words: string]>> = {
  vga: ["std", 16_384, "16MB for VGA"],
  xen: ["std", 16_384, "16MB for VGA"],
  cirrus: ["cirrus", 8_192, "8MB for CIRRUS"],
  qxl: ["qxl", 131_072, "128MB for QXL"],
};

function adapterOf(devices: Element): string {
  const model = devices.find("video", "model");
  const type = model?.attribute("type") ?? "cirrus";
  const [kind, leastKib, words] = adapters[type] ?? fail(`video type ${type} is not supported by libxl`);
  if (Number(model?.attribute("vram") ?? 0) < leastKib) fail(`videoram must be at least ${words}`);
  return kind;
}

function fail(detail: string): never {
  throw unsupported(detail);
}

function keymapOf(graphics: Element): { keymap?: string } {
  const keymap = graphics.attribute("keymap");
  return keymap === undefined ? {} : { keymap };
}

function vncConfig(graphics: Element): VncConfig {
  const port = Number(graphics.attribute("port") ?? -1);
  const isAutomatic = port <= 0;
  if (!isAutomatic && port < firstPort) fail(`a VNC port below ${firstPort} is not supported by libxl`);
  return given<VncConfig>({
    enable: true,
    listen: graphics.first("listen")?.attribute("address"),
    passwd: graphics.attribute("passwd"),
    // QEMU looks for a free one.
    display: isAutomatic || port === firstPort ? undefined : port - firstPort,
    findunused: isAutomatic,
  });
}

function sdlConfig(graphics: Element): NonNullable<HvmConfig["sdl"]> {
  const [display, xauthority] = [graphics.attribute("display"), graphics.attribute("xauth")];
  return given({ enable: true, opengl: graphics.find("gl")?.attribute("enable") === "yes", display, xauthority });
}

function spiceConfig(graphics: Element): NonNullable<HvmConfig["spice"]> {
  const number = (name: string): number | undefined => {
    const value = Number(graphics.attribute(name) ?? 0);
    return value > 0 ? value : undefined;
  };
  const password = graphics.attribute("passwd");
  const copies = graphics.first("clipboard")?.attribute("copypaste") === "yes";
  return given({
    enable: true,
    port: number("port"),
    tls_port: number("tlsPort"),
    host: graphics.first("listen")?.attribute("address"),
    disable_ticketing: password === undefined,
    passwd: password,
    agent_mouse: graphics.first("mouse")?.attribute("mode") !== "server",
    vdagent: copies,
    clipboard_sharing: copies,
  });
}

const models: Readonly<Record<string, string>> = { std: "vga", cirrus: "cirrus", qxl: "qxl", none: "none" };

/** A definition's graphics and adapter for what libxl has of an HVM guest, or of its framebuffers. */
export function displayElements(
  kind: GuestKind,
  hvm: HvmConfig | undefined,
  framebuffers: readonly FramebufferConfig[],
  videoKib: number | undefined,
): Element[] {
  const spice = hvm?.spice?.enable === true ? [spiceElement(hvm.spice)] : [];
  const own = kind === "hvm" && spice.length === 0 ? [{ ...hvm }, ...framebuffers.slice(1)] : framebuffers;
  const graphics = [...spice, ...own.flatMap(({ vnc, sdl, keymap }) => graphicsElement(vnc, sdl, keymap))];
  if (graphics.length === 0 || kind !== "hvm") return graphics;
  const type = models[hvm?.vga?.kind ?? "cirrus"] ?? "cirrus";
  const vram = type === "none" ? undefined : videoKib;
  return [...graphics, new Element("video", {}, [new Element("model", attributes({ type, vram }))])];
}

function graphicsElement(vnc: VncConfig | undefined, sdl: HvmConfig["sdl"], keymap: string | undefined): Element[] {
  if (vnc?.enable === true) {
    const { listen, passwd, display = 0, findunused } = vnc;
    const port = findunused === false ? firstPort + display : -1;
    const autoport = findunused === false ? "no" : "yes";
    return [new Element("graphics", attributes({ type: "vnc", port, autoport, listen, keymap, passwd }))];
  }
  if (sdl?.enable !== true) return [];
  return [new Element("graphics", attributes({ type: "sdl", display: sdl.display, xauth: sdl.xauthority }))];
}

function spiceElement(spice: NonNullable<HvmConfig["spice"]>): Element {
  const { port, tls_port: tlsPort, host: listen, passwd, agent_mouse: mouse, clipboard_sharing: copies } = spice;
  const isAutomatic = port === undefined && tlsPort === undefined;
  const children = [
    ...(mouse === false ? [new Element("mouse", { mode: "server" })] : []),
    ...(copies === true ? [new Element("clipboard", { copypaste: "yes" })] : []),
  ];
  const autoport = isAutomatic ? "yes" : "no";
  return new Element("graphics", attributes({ type: "spice", port, tlsPort, autoport, listen, passwd }), children);
}
