import { type DeviceKind, LibxlError, ProcessEndedError } from "../../../libxl/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { busOfName } from "../../drive-places.ts";
import { targetOf } from "../../qemu/devices-of.ts";
import { type Change, changed } from "../../qemu/modification.ts";
import { checkedDevice } from "../configuration/configuration.ts";
import { diskConfig, diskElement } from "../configuration/disk.ts";
import { nicConfig, nicElement } from "../configuration/nic.ts";
import { guestKind } from "../definition/complete.ts";
import { completeDevice } from "../definition/devices.ts";
import { notRunning, toVirError, unsupported } from "../errors.ts";
import type { Run } from "../run.ts";
import type { Xen } from "../xen.ts";
import { addDevice, deviceIn, dropDevice, matchDevices } from "./device-list.ts";

/** Gives a device, complete, to the guest that runs; nothing when no run is to be changed. Rejects with VirError. */
export async function attachLive(xen: Xen, change: Change<Run>, device: Element): Promise<void> {
  const { run, targets, timeoutMs } = change;
  if (run === undefined || targets.live === undefined) return;
  const { root } = targets.live;
  checkPluggable(device, "hotplugged");
  checkNew(root.first("devices"), device);
  const { domid } = run;
  const options = { timeoutMs };
  const add = (): Promise<void> =>
    device.name === "disk"
      ? xen.addDevice(domid, "disk", checkedDevice("disk", diskConfig(device)), options)
      : xen.addDevice(domid, "nic", checkedDevice("nic", nicConfig(device, undefined, guestKind(root))), options);
  await inTransit(run, `attach ${describe(device)}`, async () => {
    await add().catch((error: unknown) => leaveNothing(xen, domid, device, error));
    change.describe((now) => addDevice(now, device));
  });
}

/** Takes a device from the guest that runs; nothing when no run is to be changed. Rejects with VirError. */
export async function detachLive(xen: Xen, change: Change<Run>, wanted: Element): Promise<void> {
  const { run, targets, timeoutMs } = change;
  if (run === undefined || targets.live === undefined) return;
  checkPluggable(wanted, "hot unplugged");
  const device = deviceIn(targets.live.root.first("devices"), wanted, missing);
  await inTransit(run, `detach ${describe(device)}`, async () => {
    await remove(xen, run.domid, device, timeoutMs);
    change.describe((now) => dropDevice(now, device, missing));
  });
}

/** A run that was found while a device of it came or went has those that libxl says. Under the domain's job. */
export async function settleDevices(xen: Xen, run: Run): Promise<void> {
  const { disks = [], nics = [] } = await xen.configuration(run.domid);
  const { definition } = run.domain;
  if (run.hasEnded || definition === undefined) return;
  const there = [...disks.map(diskElement), ...nics.map(nicElement)];
  there.forEach(completeDevice);
  run.describe(changed(definition, (root) => matchDevices(root, there)));
  run.transit(false);
}

/** Media of guests that run stay. */
export function checkUpdate(wanted: Element): VirError {
  if (wanted.name !== "disk") return unsupported(`device type '${kindOf(wanted)}' cannot be updated`);
  if (wanted.attribute("device") === "cdrom") return mediaStay();
  return unsupported(`disk bus '${busOf(wanted)}' cannot be updated.`);
}

async function inTransit(run: Run, what: string, act: () => Promise<void>): Promise<void> {
  run.transit(true);
  try {
    await act();
  } catch (error) {
    throw toVirError(error, what);
  } finally {
    run.transit(false);
  }
  if (run.hasEnded) throw notRunning();
}

/** Nobody knows how far the process has come. */
async function leaveNothing(xen: Xen, domid: number, device: Element, error: unknown): Promise<never> {
  if (error instanceof ProcessEndedError) await remove(xen, domid, device).catch(() => {});
  throw error;
}

/** What has been begun is ended by beginning it again: there may be nothing left of it by then. */
async function remove(xen: Xen, domid: number, device: Element, timeoutMs?: number): Promise<void> {
  const kind: DeviceKind = device.name === "disk" ? "disk" : "nic";
  const name = kind === "disk" ? targetOf(device) : macOf(device);
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  for (let tries = 0; ; tries++) {
    try {
      return await xen.removeDevice(domid, kind, name, options);
    } catch (error) {
      if (error instanceof LibxlError && tries > 0) return;
      if (!(error instanceof ProcessEndedError) || tries > 2) throw error;
    }
  }
}

function checkPluggable(device: Element, how: "hotplugged" | "hot unplugged"): void {
  if (device.name === "interface") return;
  const isComing = how === "hotplugged";
  if (device.name !== "disk") {
    throw unsupported(`device type '${kindOf(device)}' cannot be ${isComing ? "attached" : "detached"}`);
  }
  const kind = device.attribute("device") ?? "disk";
  if (kind === "cdrom" && isComing) throw mediaStay();
  if (kind !== "disk") {
    throw unsupported(isComing ? `disk device type '${kind}' cannot be ${how}` : `device type '${kind}' cannot ${how}`);
  }
  if (busOf(device) !== "xen") throw unsupported(`disk bus '${busOf(device)}' cannot be ${how}.`);
}

function checkNew(devices: Element | undefined, device: Element): void {
  if (device.name === "disk") {
    const isThere = devices?.all("disk").some((disk) => targetOf(disk) === targetOf(device));
    if (isThere === true) throw failed(`target ${targetOf(device)} already exists`);
  } else if (devices?.all("interface").some((each) => macOf(each) === macOf(device)) === true) {
    const detail = `network device with mac ${macOf(device)} already exists`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, detail);
  }
}

function missing(wanted: Element): VirError {
  return failed(`disk ${targetOf(wanted)} not found`);
}

function mediaStay(): VirError {
  return unsupported("the Xen driver does not change media while a guest runs");
}

/** libvirt's name for the kind. */
function kindOf({ name }: Element): string {
  return name === "interface" ? "net" : name;
}

function busOf(disk: Element): string {
  return disk.first("target")?.attribute("bus") ?? busOfName(targetOf(disk)) ?? "ide";
}

function macOf(device: Element): string {
  return device.first("mac")?.attribute("address")?.toLowerCase() ?? "";
}

function describe(device: Element): string {
  return device.name === "disk" ? `disk '${targetOf(device)}'` : "network device";
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.libxl, detail);
}
