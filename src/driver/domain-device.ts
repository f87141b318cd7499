import { randomBytes } from "node:crypto";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { type Document, Element, writeXml, XmlError } from "../xml/index.ts";
import { arrangeDomain } from "./domain-places.ts";

/** By the kind of a device: what the names of such devices begin with. Disks and controllers have names of their own. */
const prefixes: Readonly<Record<string, string>> = {
  disk: "",
  controller: "",
  interface: "net",
  input: "input",
  rng: "rng",
  watchdog: "watchdog",
  channel: "channel",
  console: "console",
  serial: "serial",
  hostdev: "hostdev",
  filesystem: "fs",
  sound: "sound",
  redirdev: "redir",
  shmem: "shmem",
  memory: "dimm",
  vsock: "vsock",
  tpm: "tpm",
  panic: "panic",
  hub: "hub",
  smartcard: "smartcard",
  graphics: "graphics",
  video: "video",
};

/** The device of a call. Throws VirError. */
export function deviceOf(read: () => Document): Element {
  const root = rootOf(read);
  if (!Object.hasOwn(prefixes, root.name)) throw wrong(`unknown device type '${root.name}'`);
  if (root.name === "disk" && root.first("target")?.attribute("dev") === undefined) {
    throw wrong("missing target device name: a <disk> needs <target dev='...'/>");
  }
  // Names of libvirt's own choice are not the caller's to give.
  const alias = root.first("alias");
  if (alias !== undefined && !isOwnAlias(alias.attribute("name"))) remove(root, alias);
  return root;
}

function rootOf(read: () => Document): Element {
  try {
    return read().root.clone();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(device_definition):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail, error);
  }
}

/** An interface to be attached has an address, the same in both definitions. */
export function fillMac(device: Element): void {
  if (device.name !== "interface" || macOf(device) !== undefined) return;
  const address = ["52", "54", "00", ...[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0"))];
  device.children.push(new Element("mac", { address: address.join(":") }));
}

/** Which of a domain's devices it is; undefined: none. Throws VirError, of that domain, when it may be several. */
export function findDevice(devices: Element, device: Element, domain: ErrorDomain): Element | undefined {
  const all = devices.all(device.name);
  if (device.name === "interface" && macOf(device) === undefined) return soleInterface(all, device, domain);
  const key = keyOf(device);
  return all.find((each) => keyOf(each) === key);
}

function soleInterface(all: readonly Element[], device: Element, domain: ErrorDomain): Element | undefined {
  const [found, ...more] = all.filter((each) => each.attribute("type") === device.attribute("type"));
  if (more.length === 0) return found;
  throw VirError.of(ErrorCode.operationFailed, domain, "multiple matching interfaces: name one by its MAC");
}

/** What makes it the same device as another of its kind. */
function keyOf(device: Element): string {
  if (device.name === "disk") return targetOf(device);
  if (device.name === "interface") return macOf(device) ?? "";
  if (device.name === "controller") return controllerOf(device);
  if (device.name === "graphics") return device.attribute("type") ?? "";
  const bare = device.clone();
  strip(bare);
  for (const each of [...bare.all("alias"), ...bare.all("address")]) remove(bare, each);
  arrangeDomain(bare);
  return writeXml(bare);
}

/** White space and comments do not count, nor does the order of attributes. */
function strip(element: Element): void {
  const kept = element.children.filter(
    (node) => node.kind === "element" || (node.kind === "text" && node.value.trim()),
  );
  element.children.splice(0, element.children.length, ...kept);
  element.attributes.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const child of element.elements()) strip(child);
}

/** For errors. */
export function describeDevice(device: Element): string {
  if (device.name === "disk") return `disk ${targetOf(device)}`;
  if (device.name === "interface") return `interface ${macOf(device) ?? ""}`.trimEnd();
  if (device.name === "controller") return `controller ${controllerOf(device)}`;
  return `matching ${device.name} device`;
}

/** Its name, or what it would be: what a domain has from its beginning is named by its place. */
export function aliasOf(devices: Element, device: Element): string {
  const known = device.first("alias")?.attribute("name");
  return known ?? ownAlias(device) ?? `${prefixes[device.name]}${devices.all(device.name).indexOf(device)}`;
}

export function findAlias(devices: Element, alias: string): Element | undefined {
  return devices.elements().find((each) => Object.hasOwn(prefixes, each.name) && aliasOf(devices, each) === alias);
}

/** Names a device that is being attached; it is among the others by now. */
export function giveAlias(devices: Element, device: Element): void {
  const others = devices.elements().filter((each) => each !== device && Object.hasOwn(prefixes, each.name));
  const taken = new Set(others.map((each) => aliasOf(devices, each)));
  const wanted = device.first("alias")?.attribute("name");
  if (wanted !== undefined && taken.has(wanted)) throw wrong(`non unique alias detected: ${wanted}`);
  if (wanted !== undefined) return;
  let number = 0;
  while (taken.has(`${prefixes[device.name]}${number}`)) number++;
  const name = ownAlias(device) ?? `${prefixes[device.name]}${number}`;
  device.children.push(new Element("alias", { name }));
}

/** Of a device whose name follows from what it is. */
function ownAlias(device: Element): string | undefined {
  if (device.name === "controller") return controllerOf(device).replace(":", "");
  if (device.name !== "disk") return undefined;
  const bus = device.first("target")?.attribute("bus") ?? "";
  const address = device.first("address");
  if (address?.attribute("type") !== "drive") return `${bus}-disk${numberOf(targetOf(device))}`;
  const parts = bus === "scsi" ? ["controller", "bus", "target", "unit"] : ["controller", "bus", "unit"];
  return bus + parts.map((part) => address.attribute(part) ?? "0").join("-");
}

/** vda is 0; a name without such letters is its own number. */
function numberOf(target: string): string {
  const letters = /^(?:hd|sd|vd|fd|xvd)([a-z]+)$/.exec(target)?.[1];
  if (letters === undefined) return `-${target}`;
  return String(Array.from(letters).reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1);
}

export function isOwnAlias(name: string | undefined): boolean {
  return name?.startsWith("ua-") === true;
}

export function remove(parent: Element, child: Element): void {
  const at = parent.children.indexOf(child);
  if (at >= 0) parent.children.splice(at, 1);
}

function targetOf(disk: Element): string {
  return disk.first("target")?.attribute("dev") ?? "";
}

function macOf(device: Element): string | undefined {
  return device.first("mac")?.attribute("address")?.toLowerCase();
}

function controllerOf(device: Element): string {
  return `${device.attribute("type") ?? ""}:${device.attribute("index") ?? "0"}`;
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}
