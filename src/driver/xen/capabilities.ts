import { Element } from "../../xml/index.ts";
import type { HostFacts } from "../qemu/capabilities/host-facts.ts";

interface GuestKindOfHost {
  readonly os: string;
  readonly arch: string;
  readonly machine: string;
  readonly hasLoader?: boolean;
  readonly features: readonly Element[];
}

const toggled = (name: string, toggle: "yes" | "no"): Element => new Element(name, { default: "on", toggle });
const full = [toggled("acpi", "yes"), toggled("apic", "no"), toggled("hap", "yes")];

const kinds: readonly GuestKindOfHost[] = [
  { os: "xen", arch: "x86_64", machine: "xenpv", features: [] },
  {
    os: "hvm",
    arch: "i686",
    machine: "xenfv",
    hasLoader: true,
    features: [new Element("pae"), new Element("nonpae"), ...full],
  },
  { os: "xenpvh", arch: "i686", machine: "xenpvh", features: [toggled("hap", "yes")] },
  { os: "hvm", arch: "x86_64", machine: "xenfv", hasLoader: true, features: full },
  { os: "xenpvh", arch: "x86_64", machine: "xenpvh", features: [toggled("hap", "yes")] },
];

const emulator = "/usr/lib/xen/bin/qemu-system-i386";
const loader = "/usr/lib/xen/boot/hvmloader";

/** What this host and Xen on it can do, as libvirt tells it. */
export function capabilitiesElement({ uuid, cells }: HostFacts): Element {
  const host = new Element("host", {}, [
    Element.leaf("uuid", uuid),
    new Element("cpu", {}, [Element.leaf("arch", "x86_64"), new Element("features", {}, [new Element("pae")])]),
    new Element("power_management"),
    new Element("iommu", { support: "no" }),
    Element.leaf("netprefix", "vif"),
    new Element("topology", {}, [
      new Element(
        "cells",
        { num: String(cells.length) },
        cells.map(({ id, memoryKib, cpus }) => {
          const each = cpus.map(({ id: cpu, socket, die, core, siblings }) => {
            const places = { id: cpu, socket_id: socket, die_id: die, core_id: core };
            const texts = Object.entries(places).map(([name, value]) => [name, String(value)] as const);
            return new Element("cpu", { ...Object.fromEntries(texts), siblings });
          });
          const memory = Element.leaf("memory", String(memoryKib), { unit: "KiB" });
          return new Element("cell", { id: String(id) }, [
            memory,
            new Element("cpus", { num: String(each.length) }, each),
          ]);
        }),
      ),
    ]),
  ]);
  return new Element("capabilities", {}, [host, ...kinds.map(guestElement)]);
}

function guestElement({ os, arch, machine, hasLoader, features }: GuestKindOfHost): Element {
  return new Element("guest", {}, [
    Element.leaf("os_type", os),
    new Element("arch", { name: arch }, [
      Element.leaf("wordsize", arch === "x86_64" ? "64" : "32"),
      Element.leaf("emulator", emulator),
      ...(hasLoader === true ? [Element.leaf("loader", loader)] : []),
      Element.leaf("machine", machine),
      new Element("domain", { type: "xen" }),
    ]),
    ...(features.length === 0
      ? []
      : [
          new Element(
            "features",
            {},
            features.map((each) => each.clone()),
          ),
        ]),
  ]);
}
