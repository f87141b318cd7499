import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";
import { linkElement } from "../interface/host-interfaces.ts";
import { type DeviceKind, deviceName } from "./device-kind.ts";

/** By a network device's name: what it does by itself, in libvirt's words and their order. */
export type FeaturesOf = (name: string) => readonly string[];

/** Network cards, and what looks like one; bridges and their likes are no devices to libvirt. */
export function netDevices(files: HostFiles, featuresOf: FeaturesOf): DeviceKind {
  const typeOf = async (path: string): Promise<string> =>
    (await files.properties(`${path}/uevent`)).get("DEVTYPE") ?? "";
  const addressOf = async (path: string): Promise<string> => (await files.text(`${path}/address`)) ?? "";
  return {
    capability: "net",
    directory: "/sys/class/net",
    find: async (path) => {
      if (!["", "wlan"].includes(await typeOf(path))) return undefined;
      return { name: deviceName("net", nameOf(path), await addressOf(path)), path };
    },
    describe: async ({ path }) => [
      Element.leaf("interface", nameOf(path)),
      Element.leaf("address", await addressOf(path)),
      await linkElement(files, path),
      ...featuresOf(nameOf(path)).map((name) => new Element("feature", { name })),
      new Element("capability", { type: (await typeOf(path)) === "wlan" ? "80211" : "80203" }),
    ],
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
