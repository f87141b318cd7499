import {
  type ChannelConfig,
  type FramebufferConfig,
  given,
  type NicConfig,
  type PciConfig,
  type UsbControllerConfig,
  type UsbDeviceConfig,
  type VncConfig,
} from "../configuration/parts.ts";
import { unsupported } from "../errors.ts";
import { entryOf, entryText, wrong } from "./settings.ts";

/** A network card, "mac=...,bridge=...,model=...". Throws VirError. */
export function readNic(text: string, devid: number, isHvm: boolean): NicConfig {
  const entry = entryOf(text);
  const model = entry.get("model");
  const type = entry.get("type");
  const isPlain = !isHvm || type === "vif" || type === "netfront" || model === "netfront";
  return given<NicConfig>({
    backend_domname: entry.get("backend"),
    devid,
    model: isPlain && model === undefined && isHvm ? "netfront" : model,
    mac: entry.get("mac"),
    ip: entry.get("ip"),
    bridge: entry.get("bridge"),
    ifname: entry.get("vifname"),
    script: entry.get("script"),
    nictype: isPlain ? "vif" : "vif_ioemu",
    ...readRate(entry.get("rate")),
  });
}

const rateUnits: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
const timeUnits: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000 };

function readRate(text: string | undefined): Pick<NicConfig, "rate_bytes_per_interval" | "rate_interval_usecs"> {
  if (text === undefined) return {};
  const [, number, unit = "", bit, every = "50", time = "ms"] =
    /^(\d{1,12})([GMK]?)([Bb])\/s(?:@(\d{1,9})(us|ms|s))?$/.exec(text) ?? [];
  if (number === undefined) throw wrong("vif", `has an unknown rate '${text}'`);
  const perSecond = (Number(number) * (rateUnits[unit] ?? 1)) / (bit === "b" ? 8 : 1);
  const us = Number(every) * (timeUnits[time] ?? 1);
  return { rate_bytes_per_interval: Math.floor((perSecond * us) / 1_000_000), rate_interval_usecs: us };
}

export function writeNic(nic: NicConfig): string {
  const { mac, bridge, script, model, ip, ifname: vifname, backend_domname: backend, nictype } = nic;
  const { rate_bytes_per_interval: bytes, rate_interval_usecs: us = 50_000 } = nic;
  const rate = bytes === undefined ? undefined : `${Math.round((bytes * 1_000_000) / us)}B/s@${us}us`;
  const type = model === undefined && nictype === "vif_ioemu" ? "ioemu" : undefined;
  return entryText({ mac, bridge, script, model, type, ip, vifname, backend, rate });
}

const withDisplay = /^([^:]*):(\d+)$/;

/** What a screen is shown by, of a framebuffer's entry or of an HVM guest's settings. */
export function readVnc(of: (name: string) => string | undefined): VncConfig {
  // "ADDRESS:DISPLAY"; an address of IPv6 has more colons.
  const [, address, display] = withDisplay.exec(of("vnclisten") ?? "") ?? [];
  const listen = display === undefined ? of("vnclisten") : address || undefined;
  const shown = display ?? of("vncdisplay");
  const number = shown === undefined ? undefined : Number(shown);
  if (number !== undefined && !Number.isInteger(number)) throw wrong("vncdisplay", "must be a number");
  const unused = of("vncunused");
  return given<VncConfig>({
    enable: true,
    listen,
    passwd: of("vncpasswd"),
    display: number === 0 || number === undefined ? undefined : number,
    findunused: unused === undefined ? number === undefined : unused !== "0",
  });
}

export function readFramebuffer(text: string): FramebufferConfig {
  const entry = entryOf(text);
  const of = (name: string): string | undefined => entry.get(name);
  const keymap = of("keymap") === undefined ? {} : { keymap: of("keymap") ?? "" };
  if (of("type") === "sdl" || of("sdl") === "1") {
    const sdl = given({
      enable: true,
      opengl: of("opengl") === "1",
      display: of("display"),
      xauthority: of("xauthority"),
    });
    return { vnc: { enable: false }, sdl, ...keymap };
  }
  return { vnc: readVnc(of), sdl: { enable: false }, ...keymap };
}

export function writeFramebuffer({ vnc, sdl, keymap }: FramebufferConfig): string {
  if (sdl?.enable === true) {
    return entryText({ type: "sdl", opengl: 0, display: sdl.display, xauthority: sdl.xauthority, keymap });
  }
  return entryText({ type: "vnc", ...vncFields(vnc ?? {}), keymap });
}

export function vncFields({
  findunused,
  display,
  listen,
  passwd,
}: VncConfig): Record<string, string | number | undefined> {
  const isUnused = findunused !== false;
  if (withDisplay.test(listen ?? ""))
    throw unsupported(`a file of xl's has no way to say that VNC listens at '${listen}'`);
  return {
    vncunused: isUnused ? 1 : 0,
    vncdisplay: isUnused ? undefined : (display ?? 0),
    vnclisten: listen,
    vncpasswd: passwd,
  };
}

/** "0000:03:0a.1,permissive=1". Throws VirError. */
export function readPci(text: string): PciConfig {
  const [place = "", ...options] = text.split(",").map((part) => part.trim());
  const [, domain = "0", bus, dev, func] =
    /^(?:([\da-f]{1,4}):)?([\da-f]{1,2}):([\da-f]{1,2})\.([0-7])(?:@[\da-f]+)?$/i.exec(place) ?? [];
  if (bus === undefined || dev === undefined || func === undefined) throw wrong("pci", `has no device: '${text}'`);
  const number = (digits: string): number | undefined => Number.parseInt(digits, 16) || undefined;
  const permissive = options.includes("permissive=1") ? true : undefined;
  return given<PciConfig>({
    func: number(func),
    dev: number(dev),
    bus: number(bus),
    domain: number(domain),
    permissive,
  });
}

export function writePci({ domain = 0, bus = 0, dev = 0, func = 0, permissive }: PciConfig): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(dev, 2)}.${func}${permissive === true ? ",permissive=1" : ""}`;
}

export function readUsbController(text: string, at: number): UsbControllerConfig {
  const entry = entryOf(text);
  return {
    type: "qusb",
    devid: at,
    version: Number(entry.get("version") ?? 2),
    ports: Number(entry.get("ports") ?? 8),
  };
}

export function writeUsbController({ version, ports }: UsbControllerConfig): string {
  return entryText({ type: "qusb", version, ports });
}

export function readUsbDevice(text: string): UsbDeviceConfig {
  const entry = entryOf(text);
  const [hostbus, hostaddr] = [Number(entry.get("hostbus")), Number(entry.get("hostaddr"))];
  if (!Number.isInteger(hostbus) || !Number.isInteger(hostaddr)) throw wrong("usbdev", `has no device: '${text}'`);
  return { "type.hostdev": { hostbus, hostaddr } };
}

export function writeUsbDevice(device: UsbDeviceConfig): string {
  const { hostbus, hostaddr } = device["type.hostdev"] ?? {};
  return entryText({ hostbus, hostaddr });
}

export function readChannel(text: string): ChannelConfig {
  const entry = entryOf(text);
  const name = entry.get("name") ?? "";
  if (entry.get("connection") !== "socket") return { name, "connection.pty": {} };
  return { name, "connection.socket": { path: entry.get("path") ?? "" } };
}

export function writeChannel(channel: ChannelConfig): string {
  const socket = channel["connection.socket"];
  if (socket === undefined) return entryText({ connection: "pty", name: channel.name });
  return entryText({ connection: "socket", path: socket.path, name: channel.name });
}
