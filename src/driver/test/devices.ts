import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { Element, readXml } from "../../xml/index.ts";
import {
  aliasOf,
  describeDevice,
  deviceOf,
  fillMac,
  findAlias,
  findDevice,
  giveAlias,
  remove,
} from "../domain-device.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import { worded } from "../objects/worded.ts";
import { addDriveAddresses } from "./drive-address.ts";
import { checkFlags, invalid } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

const either = affect.live | affect.config;
/** VIR_DOMAIN_DEVICE_MODIFY_FORCE: a guest that locks its tray is not there. */
const force = 4;
/** Those that only come with a start. */
const cold: readonly string[] = ["graphics", "video"];

type Change = (devices: Element, device: Element, isLive: boolean) => void;

/** Devices that come, go and change, also while a domain runs; the rules are those of libvirt's QEMU driver. */
export function deviceProcedures(hypervisor: Hypervisor): DriverProcedures {
  const change = (dom: WireDomain, xml: string, flags: number, signal: AbortSignal, act: typeof attach) => {
    hypervisor.of(dom).targets(flags);
    return readXml(xml, hypervisor.pauseFor(signal), (read) =>
      act(hypervisor, hypervisor.of(dom), deviceOf(read), flags),
    );
  };
  type Args = { dom: WireDomain; xml: string; flags: number };
  const changing =
    (act: typeof attach, supported: number, caller: string) =>
    ({ dom, xml, flags }: Args, { signal }: CallContext) => {
      checkFlags(flags, supported, caller);
      return change(dom, xml, flags, signal, act);
    };
  return {
    domainAttachDevice: ({ dom, xml }, { signal }) => change(dom, xml, affect.live, signal, attach),
    domainAttachDeviceFlags: changing(attach, either, "testDomainAttachDeviceFlags"),
    domainDetachDevice: ({ dom, xml }, { signal }) => change(dom, xml, affect.live, signal, detach),
    domainDetachDeviceFlags: changing(detach, either, "testDomainDetachDeviceFlags"),
    domainUpdateDeviceFlags: changing(update, either | force, "testDomainUpdateDeviceFlags"),
    domainDetachDeviceAlias: ({ dom, alias, flags }) => {
      checkFlags(flags, either, "testDomainDetachDeviceAlias");
      detachAlias(hypervisor, hypervisor.of(dom), alias, flags);
    },
  };
}

function attach(hypervisor: Hypervisor, guest: Guest, device: Element, flags: number): void {
  fillMac(device);
  let alias: string | undefined;
  edit(guest, device, flags, (devices, own, isLive) => {
    if (isLive && cold.includes(own.name)) throw unsupported(`live attach of device '${own.name}' is not supported`);
    checkFree(devices, own);
    devices.children.push(own);
    addDriveAddresses(devices);
    if (!isLive) return;
    giveAlias(devices, own);
    alias = aliasOf(devices, own);
  });
  if (alias !== undefined) hypervisor.tell({ name: "deviceAdded", dom: guest.reference, devAlias: alias });
}

/** Two of the same are nothing unusual where nothing tells them apart. */
function checkFree(devices: Element, device: Element): void {
  if (!["disk", "interface", "controller"].includes(device.name)) return;
  if (findDevice(devices, device, ErrorDomain.test) === undefined) return;
  const what = device.name === "disk" ? `target ${device.first("target")?.attribute("dev")}` : describeDevice(device);
  throw invalid(`${what} already exists`);
}

function detach(hypervisor: Hypervisor, guest: Guest, device: Element, flags: number, name?: string): void {
  let alias: string | undefined;
  edit(guest, device, flags, (devices, own, isLive) => {
    if (isLive && cold.includes(own.name)) throw unsupported(`live detach of device '${own.name}' is not supported`);
    const named = name === undefined ? undefined : findAlias(devices, name);
    const found = named ?? known(devices, own);
    if (isLive) alias = aliasOf(devices, found);
    remove(devices, found);
  });
  if (alias !== undefined) hypervisor.tell({ name: "deviceRemoved", dom: guest.reference, devAlias: alias });
}

/** With both definitions it is the device of the running one that goes from each. */
function detachAlias(hypervisor: Hypervisor, guest: Guest, alias: string, flags: number): void {
  const { root } = guest.target(flags);
  const devices = root.first("devices");
  const found = devices && findAlias(devices, alias);
  if (found === undefined) throw missing(`no device found with alias ${alias}`);
  detach(hypervisor, guest, found, flags, alias);
}

function update(_: Hypervisor, guest: Guest, device: Element, flags: number): void {
  edit(guest, device, flags & ~force, (devices, own, isLive) => {
    if (!["disk", "interface", "graphics"].includes(own.name)) {
      const kind = isLive ? "live" : "persistent";
      throw unsupported(`${kind} update of device '${own.name}' is not supported`);
    }
    const found = known(devices, own);
    if (isLive && own.name === "disk") changeMedia(found, own);
    else replace(devices, found, own);
  });
}

/** Of a disk that runs nothing changes but the medium, where there can be another. */
function changeMedia(disk: Element, wanted: Element): void {
  const before = disk.first("source");
  const source = wanted.first("source");
  if (!["cdrom", "floppy"].includes(disk.attribute("device") ?? "disk")) {
    if (place(before) === place(source)) return;
    throw unsupported("cannot modify field 'source' of the disk: only a cdrom or floppy has a medium to change");
  }
  if (before !== undefined) remove(disk, before);
  if (source !== undefined) disk.children.push(source);
  disk.setAttribute("type", wanted.attribute("type") ?? "file");
}

function place(source: Element | undefined): string | undefined {
  return source?.attributes.map(({ name, value }) => `${name}=${value}`).join(" ");
}

/** It keeps its name and its place. */
function replace(devices: Element, found: Element, own: Element): void {
  for (const part of ["mac", "alias", "address"]) {
    const kept = found.first(part);
    if (kept !== undefined && own.first(part) === undefined) own.children.push(kept);
  }
  devices.children[devices.children.indexOf(found)] = own;
}

function known(devices: Element, device: Element): Element {
  const found = findDevice(devices, device, ErrorDomain.test);
  if (found !== undefined) return found;
  throw missing(`${describeDevice(device)} not found`);
}

/** Both definitions that `flags` choose are changed, or none is; each has an element of its own. */
function edit(guest: Guest, device: Element, flags: number, change: Change): void {
  let isLive = guest.targets(flags).live !== undefined;
  guest.edit(flags, (root) => {
    let devices = root.first("devices");
    if (devices === undefined) {
      devices = new Element("devices");
      root.children.push(devices);
    }
    change(devices, device.clone(), isLive);
    // The running one is the first of the two.
    isLive = false;
  });
}

function missing(detail: string): VirError {
  return worded(ErrorCode.deviceMissing, ErrorDomain.test, "device not found", detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.test, detail);
}
