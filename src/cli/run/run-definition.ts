import { closeSync, openSync, readSync } from "node:fs";
import { Element, writeXml } from "../../xml/index.ts";
import type { RunOptions } from "./run-options.ts";

export interface Surroundings {
  /** Of the guest that has the name already. */
  readonly uuid: string | undefined;
  /** The hypervisor has KVM. */
  readonly hasKvm: boolean;
  /** The image with cloud-init's data. */
  readonly seed: string | undefined;
}

/** The definition of the guest, in libvirt's XML. */
export function runDefinition(options: RunOptions, { uuid, hasKvm, seed }: Surroundings): string {
  const { name, memoryMib, cpus, accelerator } = options;
  const isKvm = accelerator === "kvm" || (accelerator === "auto" && hasKvm);
  const devices = [
    ...(options.disk === undefined ? [] : [disk(options.disk)]),
    ...(seed === undefined ? [] : [cdrom(seed)]),
    userNetwork(options),
    new Element("serial", { type: "pty" }),
    new Element("rng", { model: "virtio" }, [Element.leaf("backend", "/dev/urandom", { model: "random" })]),
  ];
  const root = new Element("domain", { type: isKvm ? "kvm" : "qemu" }, [
    Element.leaf("name", name),
    ...(uuid === undefined ? [] : [Element.leaf("uuid", uuid)]),
    Element.leaf("memory", String(memoryMib), { unit: "MiB" }),
    Element.leaf("vcpu", String(cpus)),
    boot(options),
    new Element("features", {}, [new Element("acpi"), new Element("apic")]),
    ...(isKvm ? [new Element("cpu", { mode: "host-passthrough" })] : []),
    new Element("devices", {}, devices),
  ]);
  return writeXml(root);
}

function boot({ kernel, initrd, append }: RunOptions): Element {
  const os = new Element("os", {}, [Element.leaf("type", "hvm")]);
  for (const [name, value] of Object.entries({ kernel, initrd, cmdline: append })) {
    if (value !== undefined) os.children.push(Element.leaf(name, value));
  }
  return os;
}

function disk(file: string): Element {
  return new Element("disk", { type: "file", device: "disk" }, [
    new Element("driver", { name: "qemu", type: formatOf(file), discard: "unmap" }),
    new Element("source", { file }),
    new Element("target", { dev: "vda", bus: "virtio" }),
  ]);
}

function cdrom(file: string): Element {
  return new Element("disk", { type: "file", device: "cdrom" }, [
    new Element("driver", { name: "qemu", type: "raw" }),
    new Element("source", { file }),
    new Element("target", { dev: "sda", bus: "sata" }),
    new Element("readonly"),
  ]);
}

/** Its user has chosen the image here and now: so the guest cannot have made a raw one look like another kind before. */
function formatOf(path: string): "qcow2" | "raw" {
  const fd = openSync(path, "r");
  try {
    const magic = Buffer.alloc(4);
    readSync(fd, magic, 0, 4, 0);
    return magic.toString("latin1") === "QFI\xfb" ? "qcow2" : "raw";
  } finally {
    closeSync(fd);
  }
}

/** The guest reaches what its host reaches; it is reached by the forwards alone. */
function userNetwork({ forwards }: RunOptions): Element {
  const network = new Element("interface", { type: "user" }, [new Element("model", { type: "virtio" })]);
  for (const { protocol, address = "127.0.0.1", host, guest } of forwards) {
    const range = new Element("range", { start: String(host), to: String(guest) });
    network.children.push(new Element("portForward", { proto: protocol, address }, [range]));
  }
  return network;
}
