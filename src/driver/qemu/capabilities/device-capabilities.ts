import { Element } from "../../../xml/index.ts";
import type { BinaryFacts } from "./binary-facts.ts";
import { choice } from "./domain-capabilities.ts";

const virtioModels = ["virtio", "virtio-transitional", "virtio-non-transitional"];

/** A value, and the device without which there is none. */
type Offer = readonly [value: string, device: string | undefined];

/** `<devices>`: of what QEMU has and this driver knows to use. */
export function deviceCapabilities({ devices, tpmModels, tpmBackends }: BinaryFacts, machine: string): Element {
  const has = new Set(devices);
  const among = (name: string, offers: readonly Offer[]): Element =>
    choice(
      name,
      offers.filter(([, device]) => device === undefined || has.has(device)).map(([value]) => value),
    );
  const hasSpice = has.has("qxl") && has.has("usb-redir");
  return new Element("devices", {}, [
    kind("disk", [
      choice("diskDevice", ["disk", "cdrom", "floppy"]),
      among("bus", machine.includes("q35") ? buses.filter(([bus]) => bus !== "ide") : buses),
      choice("model", virtioModels),
    ]),
    kind("graphics", [choice("type", hasSpice ? ["vnc", "spice"] : ["vnc"])]),
    kind("video", [among("modelType", videos)]),
    kind("hostdev", [
      choice("mode", ["subsystem"]),
      choice("startupPolicy", ["default", "mandatory", "requisite", "optional"]),
      among("subsysType", [["usb", "usb-host"]]),
      choice("capsType", []),
      choice("pciBackend", []),
    ]),
    kind("rng", [choice("model", virtioModels), choice("backendModel", ["random", "egd", "builtin"])]),
    kind("filesystem", [
      among("driverType", [
        ["path", "virtio-9p-pci"],
        ["virtiofs", "vhost-user-fs-pci"],
      ]),
    ]),
    tpm(tpmModels, tpmBackends),
    kind("redirdev", [among("bus", [["usb", "usb-redir"]])]),
    kind("channel", [choice("type", hasSpice ? ["pty", "unix", "spicevmc"] : ["pty", "unix"])]),
  ]);
}

const buses: readonly Offer[] = [
  ["ide", "piix3-ide"],
  ["fdc", "isa-fdc"],
  ["scsi", "virtio-scsi-pci"],
  ["virtio", "virtio-blk-pci"],
  ["usb", "usb-storage"],
  ["sata", "ich9-ahci"],
];

const videos: readonly Offer[] = [
  ["vga", "VGA"],
  ["cirrus", "cirrus-vga"],
  ["vmvga", "vmware-svga"],
  ["qxl", "qxl-vga"],
  ["virtio", "virtio-gpu-pci"],
  ["none", undefined],
  ["bochs", "bochs-display"],
  ["ramfb", "ramfb"],
];

function kind(name: string, content: Element[]): Element {
  return new Element(name, { supported: "yes" }, content);
}

/** The host's own TPM is not for guests. */
function tpm(models: readonly string[], backends: readonly string[]): Element {
  if (!backends.includes("emulator")) return new Element("tpm", { supported: "no" });
  return kind("tpm", [
    choice("model", [...models].sort().reverse()),
    choice("backendModel", ["emulator", "external"]),
    choice("backendVersion", ["1.2", "2.0"]),
  ]);
}
