import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";

/** Of an attribute at the end of a path below <devices>: what it may be. */
const attributes: readonly (readonly [path: string, attribute: string, values: string])[] = [
  ["disk", "device", "disk lun cdrom floppy"],
  ["disk", "type", "file block dir network volume nvme vhostuser vhostvdpa"],
  ["disk/target", "bus", "ide fdc scsi virtio xen usb uml sata sd"],
  ["disk/driver", "cache", "default none writethrough writeback directsync unsafe"],
  ["disk/driver", "error_policy", "default stop report ignore enospace"],
  ["disk/driver", "rerror_policy", "default stop report ignore enospace"],
  ["disk/driver", "io", "default native threads io_uring"],
  ["disk/driver", "discard", "default unmap ignore"],
  ["disk/driver", "detect_zeroes", "default off on unmap"],
  [
    "interface",
    "type",
    "user ethernet vhostuser server client mcast network bridge internal direct hostdev udp vdpa null vds",
  ],
  ["controller", "type", "ide fdc scsi sata virtio-serial ccid usb pci xenbus isa"],
  ["graphics", "type", "sdl vnc rdp desktop spice egl-headless dbus"],
  ["sound", "model", "sb16 es1370 pcspk ac97 ich6 ich9 usb ich7"],
];

/** The same where libvirt has words of its own. */
const named: readonly (readonly [path: string, attribute: string, values: string, what: string])[] = [
  [
    "serial",
    "type",
    "null vc pty dev file pipe stdio udp tcp unix spicevmc spiceport nmdm qemu-vdagent dbus",
    "unknown type presented to host for character device: ",
  ],
  ["input", "type", "mouse tablet keyboard passthrough evdev", "unknown input device type"],
  ["rng", "model", "virtio virtio-transitional virtio-non-transitional", "unknown RNG model"],
  ["hostdev", "type", "usb pci scsi scsi_host mdev storage misc net", "unknown host device source address type"],
  ["watchdog", "model", "i6300esb ib700 diag288", "unknown watchdog model"],
  [
    "disk/driver",
    "type",
    "raw dir bochs cloop dmg iso vpc vdi luks fat vhd ploop cow qcow qcow2 qed vmdk",
    "unknown driver format value",
  ],
  [
    "video/model",
    "type",
    "vga cirrus vmvga xen vbox qxl parallels virtio gop none bochs ramfb default",
    "unknown video model",
  ],
];

const usbModels =
  "piix3-uhci piix4-uhci ehci ich9-ehci1 ich9-uhci1 ich9-uhci2 ich9-uhci3 vt82c686b-uhci pci-ohci nec-xhci qusb1 " +
  "qusb2 qemu-xhci none";
const scsiModels =
  "auto buslogic lsilogic lsisas1068 vmpvscsi ibmvscsi virtio-scsi lsisas1078 virtio-transitional " +
  "virtio-non-transitional ncr53c90 dc390 am53c974";
const pciModels =
  "pci-root pcie-root pci-bridge dmi-to-pci-bridge pcie-root-port pcie-switch-upstream-port " +
  "pcie-switch-downstream-port pci-expander-bus pcie-expander-bus pcie-to-pci-bridge";

/** By the type of a controller. */
const controllerModels: Readonly<Record<string, string>> = { usb: usbModels, scsi: scsiModels, pci: pciModels };

const features =
  "acpi apic pae hap viridian privnet hyperv kvm pvspinlock capabilities pmu vmport gic smm ioapic hpt vmcoreinfo " +
  "htm nested-hv msrs ccf-assist xen cfpc sbbc ibs tcg async-teardown";

/** Refuses, in libvirt's words, values that it would not know. Throws VirError. */
export function checkValues(root: Element): void {
  const devices = root.first("devices");
  for (const [path, attribute, values] of attributes) {
    for (const element of follow(devices, path)) {
      const value = element.attribute(attribute);
      if (isUnknown(value, values)) throw invalid(attribute, element.name, value);
    }
  }
  for (const [path, attribute, values, what] of named) {
    for (const element of follow(devices, path)) {
      const value = element.attribute(attribute);
      if (isUnknown(value, values)) throw unsupported(what.endsWith(" ") ? what + value : `${what} '${value}'`);
    }
  }
  checkControllers(devices);
  checkSettings(root);
}

function checkControllers(devices: Element | undefined): void {
  for (const controller of devices?.all("controller") ?? []) {
    const models = controllerModels[controller.attribute("type") ?? ""];
    const model = controller.attribute("model");
    if (models !== undefined && isUnknown(model, models)) throw unsupported(`Unknown model type '${model}'`);
  }
}

function checkSettings(root: Element): void {
  for (const boot of root.first("os")?.all("boot") ?? []) {
    const device = boot.attribute("dev");
    if (isUnknown(device, "fd cdrom hd network")) throw invalid("dev", "boot", device);
  }
  for (const feature of root.first("features")?.elements() ?? []) {
    if (isUnknown(feature.name, features)) throw unsupported(`unexpected feature '${feature.name}'`);
  }
  const mode = root.first("cpu")?.attribute("mode");
  if (isUnknown(mode, "custom host-model host-passthrough maximum")) {
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.cpu, `Invalid mode attribute '${mode}'`);
  }
  const offset = root.first("clock")?.attribute("offset");
  if (isUnknown(offset, "utc localtime variable timezone absolute"))
    throw unsupported(`unknown clock offset '${offset}'`);
  checkActions(root);
}

function checkActions(root: Element): void {
  const usual = "destroy restart rename-restart preserve";
  for (const [name, actions] of [
    ["on_poweroff", usual],
    ["on_reboot", usual],
    ["on_crash", `${usual} coredump-destroy coredump-restart`],
    ["on_lockfailure", "poweroff restart pause ignore"],
  ] as const) {
    const action = root.first(name)?.text.trim();
    if (isUnknown(action, actions)) throw unsupported(`unknown ${name} action: ${action}`);
  }
}

function follow(devices: Element | undefined, path: string): Element[] {
  return path
    .split("/")
    .reduce<Element[]>((at, name) => at.flatMap((each) => each.all(name)), devices ? [devices] : []);
}

function isUnknown(value: string | undefined, values: string): boolean {
  return value !== undefined && !values.split(" ").includes(value);
}

function invalid(attribute: string, element: string, value: string | undefined): VirError {
  const detail = `Invalid value for attribute '${attribute}' in element '${element}': '${value}'.`;
  return VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}
