import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { escaped, optionText } from "./option-text.ts";
import { argument, command, type Part } from "./part.ts";
import { failure, flag, number, unsupported } from "./reading.ts";
import { spice } from "./spice.ts";

/** `<graphics>`. Ports must be numbers by now: who starts the guest finds free ones. */
export function graphics(element: Element, context: GuestContext): Part[] {
  const type = element.attribute("type") ?? "";
  if (type === "vnc") return vnc(element, context);
  if (type === "spice") return spice(element, context);
  if (type === "egl-headless") return [argument("-display", "egl-headless")];
  throw unsupported(`graphics of type '${type}' is not supported`);
}

/** VNC's displays are counted from its first port. */
const firstPort = 5900;

function vnc(element: Element, context: GuestContext): Part[] {
  const password = passwordOf(element, 8);
  const options = optionText({
    websocket: websocket(element),
    share: element.attribute("sharePolicy"),
    password: password === undefined ? undefined : true,
    "power-control": flag(element, "powerControl"),
    audiodev: audioOf(element, context),
  });
  const parts: Part[] = [argument("-vnc", [display(element), options].filter((text) => text !== "").join(","))];
  const keymap = element.attribute("keymap");
  // A file of QEMU's: a path would be another one.
  if (keymap !== undefined && !/^[\w-]+$/.test(keymap)) throw unsupported(`keymap '${keymap}' is not supported`);
  if (keymap !== undefined) parts.push(argument("-k", keymap));
  if (password !== undefined) parts.push(...passwordCommands("vnc", element, password));
  return parts;
}

function display(element: Element): string {
  const listen = element.first("listen");
  const socket = listen?.attribute("socket") ?? element.attribute("socket");
  if (socket !== undefined && socket !== "") return `vnc=unix:${escaped(socket)}`;
  if (listen?.attribute("type") === "none") return "none";
  if (listen?.attribute("type") === "socket") throw failure("graphics that listen on a socket need its path");
  const port = portOf(element, "port");
  if (port < firstPort) throw failure(`vnc port must be in range [${firstPort},65535]`);
  return `${hostOf(element)}:${port - firstPort}`;
}

/** The address that graphics listen on, IPv6 in brackets. */
export function hostOf(element: Element): string {
  const address = element.first("listen")?.attribute("address") ?? element.attribute("listen") ?? "127.0.0.1";
  // A colon or a comma ends it for QEMU.
  if (!/^[\w.:%-]+$/.test(address)) throw failure(`graphics cannot listen on '${address}'`);
  return address.includes(":") ? `[${address}]` : address;
}

/** Throws VirError while nobody has found a port that is free. */
export function portOf(element: Element, name: string): number {
  const text = element.attribute(name);
  const port = text === undefined || text === "-1" ? undefined : number(element, name);
  if (port === undefined || port < 1 || port > 65_535) {
    throw failure(`graphics '${element.attribute("type") ?? ""}' has no ${name} yet: give it one, or a socket`);
  }
  return port;
}

function websocket(element: Element): number | undefined {
  const port = element.attribute("websocket");
  return port === undefined || port === "-1" ? undefined : portOf(element, "websocket");
}

/** It reaches QEMU through the monitor alone. */
export function passwordOf(element: Element, longest: number): string | undefined {
  const password = element.attribute("passwd");
  if (password !== undefined && Buffer.byteLength(password) > longest) {
    throw unsupported(`VNC password is ${Buffer.byteLength(password)} characters long, only ${longest} permitted`);
  }
  return password;
}

/** What an absent password means is that nobody gets in. */
export function passwordCommands(protocol: string, element: Element, password: string): Part[] {
  const validTo = element.attribute("passwdValidTo");
  const seconds = validTo === undefined ? undefined : Date.parse(`${validTo}Z`) / 1000;
  if (seconds !== undefined && Number.isNaN(seconds)) throw failure(`cannot parse password validity time '${validTo}'`);
  const connected = element.attribute("connected");
  return [
    command("set_password", { protocol, password, connected }),
    command("expire_password", {
      protocol,
      time: password === "" ? "now" : seconds === undefined ? "never" : `${seconds}`,
    }),
  ];
}

/** The audio backend that what the guest plays goes to with the picture. */
function audioOf(element: Element, context: GuestContext): string | undefined {
  const chosen = element.first("audio")?.attribute("id") ?? context.all("audio")[0]?.attribute("id");
  return chosen === undefined ? undefined : `audio${chosen}`;
}
