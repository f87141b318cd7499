import type { Element } from "../../../../xml/index.ts";
import type { PciDemand, PciKind } from "./pci-bus.ts";

/** What a device of a guest needs, by whether the guest has PCI Express; undefined: it is no PCI device. */
export function pciDemand(device: Element, hasPcie: boolean): PciDemand | undefined {
  const kind = kinds[device.name]?.(device);
  if (kind === undefined) return undefined;
  if (kind === "integrated" && hasPcie) return { kind: "pcie-device", integrated: true };
  if (kind === "controller") return controllerDemand(device.attribute("model") ?? "");
  return { kind: kind === "express" && hasPcie ? "pcie-device" : "pci-device", automatic: true };
}

/** "conventional": only into PCI; "express": into PCI Express where there is some; "integrated": into its root. */
type Wish = "conventional" | "express" | "integrated" | "controller" | undefined;

function controllerDemand(model: string): PciDemand | undefined {
  if (model === "pci-root" || model === "pcie-root" || model === "") return undefined;
  return { kind: model as PciKind, aggregate: model === "pcie-root-port" };
}

/** Virtio devices for old guests are no PCI Express devices. */
function virtio(device: Element): Wish {
  return device.attribute("model") === "virtio-transitional" ? "conventional" : "express";
}

const kinds: Readonly<Record<string, (device: Element) => Wish>> = {
  controller,
  interface: networkInterface,
  filesystem: virtio,
  sound: (device) =>
    ["es1370", "ac97", "ich6", "ich9"].includes(device.attribute("model") ?? "") ? "conventional" : undefined,
  disk: (device) => (device.first("target")?.attribute("bus") === "virtio" ? virtio(device) : undefined),
  hostdev: hostDevice,
  memballoon: (device) => (device.attribute("model") === "none" ? undefined : virtio(device)),
  rng: virtio,
  watchdog: (device) => (device.attribute("model") === "i6300esb" ? "conventional" : undefined),
  video,
  shmem: () => "conventional",
  input: (device) => (device.attribute("bus") === "virtio" ? virtio(device) : undefined),
  serial: (device) => (device.first("target")?.attribute("type") === "pci-serial" ? "conventional" : undefined),
  iommu: (device) => (device.attribute("model") === "virtio" ? "integrated" : undefined),
  vsock: virtio,
  memory: (device) => (/^virtio-(pmem|mem)$/.test(device.attribute("model") ?? "") ? "express" : undefined),
};

function controller(device: Element): Wish {
  const model = device.attribute("model") ?? "";
  switch (device.attribute("type") ?? "") {
    case "pci":
      return "controller";
    case "sata":
    case "ide":
      return "conventional";
    case "usb":
      if (model === "none") return undefined;
      return model.endsWith("-xhci") ? "express" : "conventional";
    case "scsi":
      return model === "virtio-scsi" || model === "virtio-non-transitional" ? "express" : "conventional";
    case "virtio-serial":
      return virtio(device);
    default:
      return undefined;
  }
}

function networkInterface(device: Element): Wish {
  const model = device.first("model")?.attribute("type") ?? "";
  if (device.attribute("type") === "hostdev") return "express";
  if (model === "usb-net") return undefined;
  return ["virtio", "virtio-non-transitional", "e1000e"].includes(model) ? "express" : "conventional";
}

/** A host device that is not there, as in a definition from elsewhere, is taken for PCI Express: nearly all are. */
function hostDevice(device: Element): Wish {
  const type = device.attribute("type");
  if (type === "pci") return "express";
  if (type === "mdev") return device.attribute("model") === "vfio-pci" ? "express" : undefined;
  return type === "scsi_host" ? virtio(device) : undefined;
}

function video(device: Element): Wish {
  const model = device.first("model")?.attribute("type");
  if (model === "virtio" || model === "bochs") return "express";
  return model === undefined || model === "none" || model === "ramfb" || model === "gop" ? undefined : "conventional";
}
