import type { HostTopology, PhysicalInfo } from "../../libxl/index.ts";
import { Element } from "../../xml/index.ts";
import { writeNumberSet } from "../qemu/definition/number-set.ts";

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
export function capabilitiesElement(
  uuid: string,
  topology: HostTopology,
  { pv, hvm }: Pick<PhysicalInfo, "pv" | "hvm">,
): Element {
  const host = new Element("host", {}, [
    Element.leaf("uuid", uuid),
    new Element("cpu", {}, [Element.leaf("arch", "x86_64"), new Element("features", {}, [new Element("pae")])]),
    new Element("power_management"),
    new Element("iommu", { support: "no" }),
    Element.leaf("netprefix", "vif"),
    new Element("topology", {}, [cellsElement(topology)]),
  ]);
  const possible = kinds.filter(({ os }) => (os === "xen" ? pv : hvm));
  return new Element("capabilities", {}, [host, ...possible.map(guestElement)]);
}

function cellsElement({ nodes, cpus }: HostTopology): Element {
  const cells = nodes.map((node) => {
    const own = cpus.filter((cpu) => cpu.node === node.id);
    const each = own.map(({ id, socket, core }) => {
      const isSibling = (cpu: (typeof own)[number]): boolean =>
        cpu.id === id || (core >= 0 && cpu.socket === socket && cpu.core === core);
      const siblings = cpus.filter(isSibling).map((cpu) => cpu.id);
      const places = { id: String(id), socket_id: String(socket), die_id: "0", core_id: String(core) };
      return new Element("cpu", { ...places, siblings: writeNumberSet(siblings) });
    });
    return new Element("cell", { id: String(node.id) }, [
      Element.leaf("memory", String(node.memoryKib), { unit: "KiB" }),
      new Element("cpus", { num: String(each.length) }, each),
    ]);
  });
  return new Element("cells", { num: String(cells.length) }, cells);
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
