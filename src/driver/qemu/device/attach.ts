import { access } from "node:fs/promises";
import type { Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { type Element, writeXml } from "../../../xml/index.ts";
import { arrangeDomain } from "../../domain-places.ts";
import { ensure, reorder } from "../../objects/element-edit.ts";
import { partsOf } from "../command-line/index.ts";
import { addLiveDevice, addLiveDisk } from "../definition/device-change.ts";
import { sortDisks } from "../definition/disks.ts";
import { settleChannel } from "../definition/prepare-run.ts";
import { locateVolume } from "../definition/volume-sources.ts";
import { devicesOf, sourceOf, targetOf } from "../devices-of.ts";
import type { Guests } from "../guests.ts";
import { nameTarget, settleInterface } from "../host-side/interface-sources.ts";
import type { Change } from "../modification.ts";
import { filesOfDevice } from "../security/guest-files.ts";
import { checkPossible, deviceByAlias } from "./device-kinds.ts";
import { changeMedium } from "./medium.ts";
import { settleMemory } from "./memory-total.ts";
import { addParts } from "./parts-on-monitor.ts";

/** The persistent definition with a device more, completed as a whole. Throws VirError. */
export function withDevice(guests: Guests, config: Definition, wanted: Element): Definition {
  checkPossible(wanted, "config", "attach");
  checkOnce(config, wanted);
  return config.with((root) => void ensure(root, "devices").children.push(wanted.clone()), guests.complete);
}

function checkOnce(config: Definition, wanted: Element): void {
  const target = targetOf(wanted);
  if (wanted.name === "disk" && devicesOf(config, "disk").some((disk) => targetOf(disk) === target)) {
    throw invalid(`target ${target} already exists`);
  }
  if (wanted.name === "watchdog" && devicesOf(config, "watchdog").length > 0)
    throw invalid("domain already has a watchdog");
}

/** Plugs a device into the run of a change, and tells that. Rejects with VirError. */
export async function attachLive(guests: Guests, change: Change, given: Element): Promise<void> {
  const { run, domain, targets, timeoutMs } = change;
  const { live } = targets;
  if (run === undefined || live === undefined) return;
  checkPossible(given, "live", "attach");
  const wanted = located(guests, given);
  if (isRemovable(wanted)) {
    const drive = devicesOf(live, "disk").find((disk) => targetOf(disk) === targetOf(wanted));
    // A medium for a drive that there is.
    if (drive !== undefined) return changeMedium(guests, change, drive, wanted, false);
  }
  if (wanted.name === "disk") await checkDisk(live, wanted);
  const root = live.root.clone();
  const { device, controllers } = await (wanted.name === "disk"
    ? addLiveDisk(root, wanted)
    : addLiveDevice(root, wanted));
  if (device.name === "channel") settleChannel(device, guests.channelDirectory(domain));
  const all = [...controllers, device].map((each) => each.clone());
  const next = live.with((copy) => {
    copy.children.splice(0, copy.children.length, ...root.children);
    arrangeDomain(copy);
  });
  const context = guests.contextOf(next);
  const parts = all.flatMap((each) => {
    const own = deviceByAlias(context.devices, aliasIn(each));
    return own === undefined ? [] : partsOf(own, context);
  });
  const transit = all.map((each) => ({ direction: "in", xml: writeXml(each) }) as const);
  await guests.lending.during(run, all.flatMap(filesOfDevice), async () => {
    run.transit.begin(transit);
    const named = await addParts(run, parts, timeoutMs, guests.shared?.taps).catch((error: unknown) => {
      // Of what it has not answered nobody knows what it does with it: whoever takes the run up next finds out.
      if (run.isResponsive && !run.hasEnded) run.transit.forget(transit);
      throw error;
    });
    for (const each of all) nameTarget(each, named);
    run.transit.arrive(transit);
    change.describe((now) => {
      const devices = ensure(now, "devices");
      devices.children.push(...all);
      reorder(devices, "disk", sortDisks(devices.all("disk")));
      settleMemory(now, device);
    });
  });
  guests.publish({ name: "deviceAdded", dom: domain.reference, devAlias: aliasIn(device) });
}

/** A device as the run will have it: on the bridge that its network has now, and in the file that its volume is. */
export function located({ shared }: Guests, given: Element): Element {
  const device = given.clone();
  if (shared === undefined) return device;
  if (device.name === "interface") settleInterface(device, (network) => shared.bridgeOf(network));
  if (device.name === "disk") locateVolume(device, (pool, volume) => shared.volumePath(pool, volume));
  return device;
}

async function checkDisk(live: Definition, wanted: Element): Promise<void> {
  const other = devicesOf(live, "disk").find((disk) => targetOf(disk) === targetOf(wanted));
  if (other !== undefined) {
    const sources = `'${sourceOf(other) ?? ""}' and '${sourceOf(wanted) ?? ""}'`;
    const detail = `target '${targetOf(wanted)}' duplicated for disk sources ${sources}`;
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
  }
  await checkImage(wanted);
}

/** Rejects with VirError when a disk's file is not there. */
export async function checkImage(disk: Element): Promise<void> {
  const path = sourceOf(disk);
  if (path === undefined) return;
  try {
    await access(path);
  } catch (error) {
    const { errno = -2, code } = error as NodeJS.ErrnoException;
    const reason = code === "EACCES" ? "Permission denied" : "No such file or directory";
    throw VirError.system(ErrorDomain.storage, -errno, `Cannot access storage file '${path}': ${reason}`, error);
  }
}

/** A drive into which media go. */
export function isRemovable(disk: Element): boolean {
  return disk.name === "disk" && ["cdrom", "floppy"].includes(disk.attribute("device") ?? "disk");
}

function aliasIn(device: Element): string {
  return device.first("alias")?.attribute("name") ?? "";
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, detail);
}
