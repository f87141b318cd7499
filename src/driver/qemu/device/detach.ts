import type { Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { devicesOf } from "../devices-of.ts";
import type { Guests } from "../guests.ts";
import type { Change } from "../modification.ts";
import { checkPossible } from "./device-kinds.ts";
import { theDevice } from "./find-device.ts";
import type { Removals } from "./removals.ts";
import { unplug } from "./unplug.ts";

/** The persistent definition without a device. Throws VirError. */
export function withoutDevice(guests: Guests, config: Definition, wanted: Element): Definition {
  checkPossible(wanted, "config", "detach");
  theDevice(config.root.first("devices"), wanted, "config");
  return config.with((root) => {
    const devices = root.first("devices");
    const own = theDevice(devices, wanted, "config");
    devices?.children.splice(devices.children.indexOf(own), 1);
  }, guests.complete);
}

/**
 * Asks the guest to give a device back, and waits a while. When the guest takes longer it may do so: an event tells when it
 * is gone. Rejects with VirError when the guest refuses.
 */
export async function detachLive(
  removals: Removals,
  change: Change,
  device: Element,
  isWaiting: boolean,
): Promise<void> {
  const { run, targets, timeoutMs } = change;
  if (run === undefined || targets.live === undefined) return;
  checkPossible(device, "live", "detach");
  checkDetachable(targets.live, device);
  const alias = device.first("alias")?.attribute("name") ?? "";
  if (!isWaiting) {
    await run.execute("device_del", { id: alias }, timeoutMs);
    return;
  }
  const outcome = await unplug(run, alias, timeoutMs);
  if (outcome === "refused") throw failed("unplug of device was rejected by the guest");
  if (outcome === "gone") await removals.cleanedUp(run, alias);
}

const unpluggableBuses = ["virtio", "scsi", "usb"];

function checkDetachable(live: Definition, device: Element): void {
  if (device.name === "disk") {
    const kind = device.attribute("device") ?? "disk";
    if (kind !== "disk" && kind !== "lun") throw unsupported(`disk device type '${kind}' cannot be detached`);
    const bus = device.first("target")?.attribute("bus") ?? "";
    if (!unpluggableBuses.includes(bus)) throw unsupported(`This type of disk cannot be hot unplugged`);
  }
  if (device.name === "controller") {
    const type = device.attribute("type") ?? "";
    if (type !== "scsi") throw unsupported(`'${type}' controller cannot be hot unplugged.`);
    const index = device.attribute("index") ?? "0";
    const isUsed = devicesOf(live, "disk").some(
      (disk) =>
        disk.first("target")?.attribute("bus") === type &&
        (disk.first("address")?.attribute("controller") ?? "0") === index,
    );
    if (isUsed) throw failed("device cannot be detached: device is busy");
  }
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}
