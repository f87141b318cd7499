import {
  ConfigError,
  type DeviceConfigs,
  type DeviceKind,
  type DomainConfig,
  encodeConfig,
  encodeDevice,
} from "../../../libxl/index.ts";
import type { Definition } from "../../../model/index.ts";
import { Element } from "../../../xml/index.ts";
import { guestKind } from "../definition/complete.ts";
import { unsupported } from "../errors.ts";
import { actionConfig } from "./actions.ts";
import { buildConfig } from "./build.ts";
import { channelConfig } from "./character.ts";
import { diskConfig } from "./disk.ts";
import { framebufferConfigs } from "./display.ts";
import { pciConfigs, usbControllerConfigs, usbDeviceConfigs } from "./host-device.ts";
import { nicConfig } from "./nic.ts";
import { given } from "./parts.ts";

/**
 * What libxl is to be told for a guest: `definition` is complete, and what depends on the host (the bridge of a network, say)
 * has been filled in. Throws VirError for what Xen, or libxl, has not.
 */
export function configOf(definition: Definition): DomainConfig {
  const { root, name, uuid } = definition;
  const kind = guestKind(root);
  const devices = root.first("devices") ?? new Element("devices");
  checkDevices(devices);
  const hap = root.find("features", "hap")?.attribute("state");
  const framebuffers = framebufferConfigs(devices);
  return checked({
    c_info: given({
      type: kind,
      name,
      uuid,
      hap: hap === undefined ? undefined : hap === "on",
      passthrough: passthroughOf(root),
    }),
    b_info: buildConfig(definition),
    ...lists({
      disks: devices.all("disk").map(diskConfig),
      nics: devices.all("interface").map((device, at) => nicConfig(device, at, kind)),
      pcidevs: pciConfigs(devices),
      usbctrls: usbControllerConfigs(devices),
      usbdevs: usbDeviceConfigs(devices),
      vfbs: framebuffers,
      vkbs: framebuffers.map(() => ({})),
      channels: devices.all("channel").map(channelConfig),
    }),
    ...actionConfig(root),
  });
}

/** What is no number, say, although it has to be. Throws VirError. */
export function checked(config: DomainConfig): DomainConfig {
  explained(() => encodeConfig(config));
  return config;
}

/** As `checked`, of one device. */
export function checkedDevice<K extends DeviceKind>(kind: K, device: DeviceConfigs[K]): DeviceConfigs[K] {
  explained(() => encodeDevice(kind, device));
  return device;
}

function explained(encode: () => void): void {
  try {
    encode();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw unsupported(`${error.path} of libxl's configuration ${error.problem}`);
  }
}

/** Lists that have something in them. */
function lists<T extends Readonly<Record<string, readonly unknown[]>>>(all: T): Partial<T> {
  return Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0)) as Partial<T>;
}

function passthroughOf(root: Element): string | undefined {
  const passthrough = root.find("features", "xen", "passthrough");
  if (passthrough?.attribute("state") !== "on") return undefined;
  return passthrough.attribute("mode") ?? "enabled";
}

/** What nobody would give the guest, although it was asked for. */
const missing: Readonly<Record<string, string>> = {
  tpm: "TPM devices",
  filesystem: "file systems of the host",
  watchdog: "watchdogs",
  rng: "random number generators",
  redirdev: "redirected devices",
  smartcard: "smart cards",
  shmem: "shared memory",
  vsock: "vsock devices",
};

function checkDevices(devices: Element): void {
  for (const [name, words] of Object.entries(missing)) {
    if (devices.first(name) !== undefined) throw unsupported(`${words} are not supported by the Xen driver`);
  }
  const balloon = devices.first("memballoon")?.attribute("model") ?? "xen";
  if (balloon === "none") throw unsupported("balloon device cannot be disabled");
  if (balloon !== "xen") throw unsupported(`unsupported balloon device model '${balloon}'`);
}
