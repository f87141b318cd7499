import type { Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { worded } from "../../objects/worded.ts";
import { devicesOf, sourceOf, targetOf } from "../devices-of.ts";
import type { Guests } from "../guests.ts";
import type { Change } from "../modification.ts";
import { isRemovable, located } from "./attach.ts";
import { checkPossible } from "./device-kinds.ts";
import { theDevice } from "./find-device.ts";
import { changeMedium } from "./medium.ts";

/** The persistent definition with a device as it is wanted now. Throws VirError. */
export function withUpdate(guests: Guests, config: Definition, wanted: Element): Definition {
  checkPossible(wanted, "config", "update");
  findForUpdate(config, wanted);
  return config.with((root) => {
    const devices = root.first("devices");
    const own = sameIn(devices, wanted);
    if (devices === undefined || own === undefined) return;
    devices.children.splice(devices.children.indexOf(own), 1, merged(own, wanted));
  }, guests.complete);
}

/** Places and names stay where nothing else is said. */
function merged(own: Element, wanted: Element): Element {
  const next = wanted.clone();
  const address = own.first("address");
  if (next.first("address") === undefined && address !== undefined) next.children.push(address.clone());
  return next;
}

function findForUpdate(config: Definition, wanted: Element): void {
  if (sameIn(config.root.first("devices"), wanted) !== undefined) return;
  if (wanted.name === "disk") throw wrong(`target ${targetOf(wanted)} doesn't exist.`);
  throw wrong(`cannot find existing graphics type '${wanted.attribute("type") ?? ""}' device to modify`);
}

function sameIn(devices: Element | undefined, wanted: Element): Element | undefined {
  if (wanted.name === "disk") return devices?.all("disk").find((disk) => targetOf(disk) === targetOf(wanted));
  if (wanted.name !== "graphics") return theDevice(devices, wanted, "config");
  return devices?.all("graphics").find((each) => each.attribute("type") === wanted.attribute("type"));
}

/** Changes a device of the run. Rejects with VirError for what cannot be changed while it is in use. */
export async function updateLive(guests: Guests, change: Change, wanted: Element, force: boolean): Promise<void> {
  const { live } = change.targets;
  if (change.run === undefined || live === undefined) return;
  checkPossible(wanted, "live", "update");
  if (wanted.name === "disk") return updateDisk(guests, change, live, wanted, force);
  if (wanted.name === "graphics") return updateGraphics(change, live, wanted);
  return updateInterface(change, live, wanted);
}

async function updateDisk(
  guests: Guests,
  change: Change,
  live: Definition,
  given: Element,
  force: boolean,
): Promise<void> {
  const wanted = located(guests, given);
  const disk = devicesOf(live, "disk").find((each) => targetOf(each) === targetOf(wanted));
  if (disk === undefined)
    throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, `disk '${targetOf(wanted)}' not found`);
  if (isRemovable(disk)) return changeMedium(guests, change, disk, wanted, force);
  if (sourceOf(disk) === sourceOf(wanted)) return;
  const detail = "disk source can be changed only in removable drives";
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}

async function updateInterface(change: Change, live: Definition, wanted: Element): Promise<void> {
  const own = theDevice(live.root.first("devices"), wanted, "live");
  checkSame(own, wanted);
  const state = wanted.first("link")?.attribute("state") ?? "up";
  if (state === (own.first("link")?.attribute("state") ?? "up")) return;
  const alias = own.first("alias")?.attribute("name") ?? "";
  await change.run?.execute("set_link", { name: alias, up: state === "up" }, change.timeoutMs);
  change.describe((root) => {
    const device = root
      .first("devices")
      ?.all("interface")
      .find((each) => each.first("alias")?.attribute("name") === alias);
    if (device === undefined) return;
    const link = device.first("link");
    if (link === undefined) device.children.push(new Element("link", { state }));
    else link.setAttribute("state", state);
  });
}

/** Refuses another card, or another place on the host, than there is. */
function checkSame(own: Element, wanted: Element): void {
  const model = (each: Element): string => each.first("model")?.attribute("type") ?? "";
  if (model(wanted) !== "" && model(own) !== model(wanted)) {
    throw unsupported(`cannot modify network device model from ${model(own)} to ${model(wanted)}`);
  }
  const [type, other] = [own.attribute("type") ?? "", wanted.attribute("type") ?? ""];
  if (type !== other) throw unsupported(`unable to change config on '${other}' network type`);
  for (const name of ["bridge", "network", "dev"]) {
    const [is, shall] = [own, wanted].map((each) => each.first("source")?.attribute(name));
    if (is !== shall)
      throw unsupported(`cannot modify the source of an interface of type '${type}' while it is in use`);
  }
}

async function updateGraphics(change: Change, live: Definition, wanted: Element): Promise<void> {
  const type = wanted.attribute("type") ?? "";
  const own = devicesOf(live, "graphics").find((each) => each.attribute("type") === type);
  if (own === undefined) {
    const detail = `cannot find existing graphics device to modify of type '${type}'`;
    throw worded(ErrorCode.deviceMissing, ErrorDomain.qemu, "device not found", detail);
  }
  const password = wanted.attribute("passwd");
  const validTo = wanted.attribute("passwdValidTo");
  if (password === undefined) return;
  if (type !== "vnc" && type !== "spice") throw unsupported(`a ${type} server has no password`);
  await change.run?.execute("set_password", { protocol: type, password, connected: "keep" }, change.timeoutMs);
  const seconds = validTo === undefined ? undefined : Math.floor(Date.parse(`${validTo}Z`) / 1000);
  const time = seconds === undefined || Number.isNaN(seconds) ? "never" : String(seconds);
  await change.run?.execute("expire_password", { protocol: type, time }, change.timeoutMs);
  change.describe((root) => {
    const device = root
      .first("devices")
      ?.all("graphics")
      .find((each) => each.attribute("type") === type);
    device?.setAttribute("passwd", password);
    if (validTo !== undefined) device?.setAttribute("passwdValidTo", validTo);
  });
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}
