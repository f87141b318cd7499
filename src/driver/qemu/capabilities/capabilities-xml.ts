import { Element, writeXml } from "../../../xml/index.ts";
import type { SecurityPolicy } from "../security/guest-user.ts";
import type { BinaryFacts, MachineFacts } from "./binary-facts.ts";
import { hostCpu, vendorOf } from "./host-cpu.ts";
import type { HostCache, HostCell, HostFacts } from "./host-facts.ts";

/** A QEMU that is there. */
export interface InstalledBinary {
  readonly path: string;
  /** libvirt's name: "x86_64", "i686". */
  readonly arch: string;
  readonly facts: BinaryFacts;
  readonly hasKvm: boolean;
}

/** `<capabilities>`: the host, and the guests that it can have. */
export function capabilitiesXml(
  arch: string,
  host: HostFacts,
  security: SecurityPolicy,
  binaries: readonly InstalledBinary[],
): string {
  const root = new Element("capabilities", {}, [hostElement(arch, host, security), ...binaries.map(guest)]);
  // Blank lines between the blocks are libvirt's, and nobody's to parse.
  return `${writeXml(root)}\n`;
}

function hostElement(arch: string, host: HostFacts, security: SecurityPolicy): Element {
  return new Element("host", {}, [
    Element.leaf("uuid", host.uuid),
    cpu(arch, host),
    new Element("power_management"),
    new Element("iommu", { support: "no" }),
    new Element("topology", {}, [new Element("cells", { num: String(host.cells.length) }, host.cells.map(cell))]),
    ...(host.caches.length === 0 ? [] : [new Element("cache", {}, host.caches.map(cache))]),
    new Element("secmodel", {}, [Element.leaf("model", "none"), Element.leaf("doi", "0")]),
    ...dac(security),
  ]);
}

/** What is done for guests by users and owners of files. */
function dac({ user, isPrivileged }: SecurityPolicy): Element[] {
  if (!isPrivileged) return [];
  const label = `+${user.uid}:+${user.gid}`;
  const labels = ["kvm", "qemu"].map((type) => Element.leaf("baselabel", label, { type }));
  return [new Element("secmodel", {}, [Element.leaf("model", "dac"), Element.leaf("doi", "0"), ...labels])];
}

function cpu(arch: string, host: HostFacts): Element {
  const decoded = hostCpu(host);
  const sizes =
    host.cells[0]?.pages.map(({ sizeKib }) => new Element("pages", { unit: "KiB", size: String(sizeKib) })) ?? [];
  if (decoded === undefined) return new Element("cpu", {}, [Element.leaf("arch", arch), ...sizes]);
  const vendor = vendorOf(host.vendor);
  const { family, model, stepping, microcode, physicalBits } = host;
  const bits =
    physicalBits === undefined ? [] : [new Element("maxphysaddr", { mode: "emulate", bits: String(physicalBits) })];
  return new Element("cpu", {}, [
    Element.leaf("arch", arch),
    Element.leaf("model", decoded.model.name),
    ...(vendor === undefined ? [] : [Element.leaf("vendor", vendor)]),
    new Element("microcode", { version: String(microcode) }),
    new Element("signature", { family: String(family), model: String(model), stepping: String(stepping) }),
    topology(host),
    ...bits,
    ...decoded.features.map(({ name }) => new Element("feature", { name })),
    ...sizes,
  ]);
}

/** As in `hostTopology`. */
function topology(host: HostFacts): Element {
  const { sockets, dies, cores, threads } = hostTopology(host);
  const counts = { sockets, dies, cores, threads };
  return new Element(
    "topology",
    Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)])),
  );
}

/** Of a node: how many sockets, dies of each, cores of each, and threads of each core, at the most. */
export function hostTopology({ cells }: HostFacts): {
  readonly sockets: number;
  readonly dies: number;
  readonly cores: number;
  readonly threads: number;
} {
  const of = (count: (cell: HostCell) => number): number => Math.max(1, ...cells.map(count));
  const distinct = (keys: readonly string[]): number => new Set(keys).size;
  const sockets = of(({ cpus }) => distinct(cpus.map(({ socket }) => `${socket}`)));
  const dies = of(({ cpus }) => distinct(cpus.map(({ socket, die }) => `${socket} ${die}`)));
  const cores = of(({ cpus }) => distinct(cpus.map(({ socket, die, core }) => `${socket} ${die} ${core}`)));
  const threads = of(({ cpus }) => cpus.length);
  return {
    sockets,
    dies: Math.max(1, Math.round(dies / sockets)),
    cores: Math.max(1, Math.round(cores / dies)),
    threads: Math.max(1, Math.round(threads / cores)),
  };
}

function cell({ id, memoryKib, pages, distances, cpus }: HostCell): Element {
  return new Element("cell", { id: String(id) }, [
    Element.leaf("memory", String(memoryKib), { unit: "KiB" }),
    ...pages.map(({ sizeKib, count }) => Element.leaf("pages", String(count), { unit: "KiB", size: String(sizeKib) })),
    new Element(
      "distances",
      {},
      distances.map((value, sibling) => new Element("sibling", { id: String(sibling), value: String(value) })),
    ),
    new Element(
      "cpus",
      { num: String(cpus.length) },
      cpus.map(
        (each) =>
          new Element("cpu", {
            id: String(each.id),
            socket_id: String(each.socket),
            die_id: String(each.die),
            core_id: String(each.core),
            siblings: each.siblings,
          }),
      ),
    ),
  ]);
}

function cache({ id, level, type, sizeKib, cpus }: HostCache): Element {
  const [size, unit] = sizeKib % 1024 === 0 ? [sizeKib / 1024, "MiB"] : [sizeKib, "KiB"];
  return new Element("bank", { id, level: String(level), type, size: String(size), unit, cpus });
}

function guest({ path, arch, facts, hasKvm }: InstalledBinary): Element {
  const is64 = arch.endsWith("64");
  return new Element("guest", {}, [
    Element.leaf("os_type", "hvm"),
    new Element("arch", { name: arch }, [
      Element.leaf("wordsize", is64 ? "64" : "32"),
      Element.leaf("emulator", path),
      ...inOrder(facts.machines).flatMap(machine),
      new Element("domain", { type: "qemu" }),
      ...(hasKvm ? [new Element("domain", { type: "kvm" })] : []),
    ]),
    new Element("features", {}, [
      ...(is64 ? [] : [new Element("pae"), new Element("nonpae")]),
      new Element("acpi", { default: "on", toggle: "yes" }),
      new Element("apic", { default: "on", toggle: "no" }),
      new Element("cpuselection"),
      new Element("deviceboot"),
      new Element("disksnapshot", { default: "on", toggle: "no" }),
    ]),
  ]);
}

/** The one that is taken when none is named comes first. */
function inOrder(machines: readonly MachineFacts[]): MachineFacts[] {
  const real = machines.filter(({ name }) => name !== "none");
  return [...real.filter(({ isDefault }) => isDefault), ...real.filter(({ isDefault }) => !isDefault)];
}

function machine({ name, alias, maxCpus, isDeprecated }: MachineFacts): Element[] {
  const deprecated = isDeprecated ? { deprecated: "yes" } : {};
  const own = Element.leaf("machine", name, { maxCpus: String(maxCpus), ...deprecated });
  if (alias === undefined) return [own];
  return [own, Element.leaf("machine", alias, { canonical: name, maxCpus: String(maxCpus), ...deprecated })];
}
