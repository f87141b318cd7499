import { Element, element } from "../../xml/index.ts";
import type { ConsoleSpec, DiskSpec, GraphicsSpec, InterfaceSpec } from "./domain-spec.ts";

const buses: Readonly<Record<string, string>> = { vd: "virtio", sd: "sata", hd: "ide", fd: "fdc", xvd: "xen" };
const prefixes: Readonly<Record<string, string>> = {
  virtio: "vd",
  sata: "sd",
  scsi: "sd",
  usb: "sd",
  ide: "hd",
  fdc: "fd",
  xen: "xvd",
};

/** `taken`: names that other disks have. */
export function diskElement(spec: DiskSpec, taken: ReadonlySet<string>): Element {
  const disk = typeof spec === "string" ? { file: spec } : spec;
  const { device = "disk" } = disk;
  const bus =
    disk.bus ?? (disk.target === undefined ? defaultBus(device) : buses[/^(xvd|[a-z]d)/.exec(disk.target)?.[0] ?? ""]);
  const target = disk.target ?? freeTarget(prefixes[bus ?? "virtio"] ?? "vd", taken);
  const [type, source] = sourceOf(disk);
  const format = disk.format ?? (disk.file?.endsWith(".qcow2") === true ? "qcow2" : "raw");
  return element("disk", { type, device }, [
    element("driver", { name: disk.driver, type: format, cache: disk.cache, discard: disk.discard }),
    source,
    element("target", { dev: target, bus }),
    disk.serial === undefined ? undefined : Element.leaf("serial", disk.serial),
    disk.readOnly === true || device === "cdrom" ? element("readonly") : undefined,
    disk.bootOrder === undefined ? undefined : element("boot", { order: String(disk.bootOrder) }),
  ]);
}

function defaultBus(device: string): string {
  if (device === "floppy") return "fdc";
  return device === "cdrom" ? "sata" : "virtio";
}

function sourceOf({
  file,
  block,
  pool,
  volume,
}: Exclude<DiskSpec, string>): [type: string, source: Element | undefined] {
  if (pool !== undefined) return ["volume", element("source", { pool, volume })];
  if (block !== undefined) return ["block", element("source", { dev: block })];
  return ["file", file === undefined ? undefined : element("source", { file })];
}

/** vda, vdb, ..., vdz, vdaa, ... */
function freeTarget(prefix: string, taken: ReadonlySet<string>): string {
  for (let index = 0; ; index++) {
    let name = "";
    for (let left = index; left >= 0; left = Math.floor(left / 26) - 1)
      name = String.fromCharCode(97 + (left % 26)) + name;
    if (!taken.has(prefix + name)) return prefix + name;
  }
}

export function interfaceElement(spec: InterfaceSpec): Element {
  const [type, source] =
    "network" in spec
      ? ["network", element("source", { network: spec.network })]
      : "bridge" in spec
        ? ["bridge", element("source", { bridge: spec.bridge })]
        : ["user", undefined];
  return element("interface", { type }, [
    spec.mac === undefined ? undefined : element("mac", { address: spec.mac }),
    source,
    element("model", { type: spec.model ?? "virtio" }),
    spec.bootOrder === undefined ? undefined : element("boot", { order: String(spec.bootOrder) }),
  ]);
}

export function consoleElements(spec: ConsoleSpec): Element[] {
  const file = typeof spec === "object" ? spec.file : undefined;
  const type = file === undefined ? "pty" : "file";
  const source = file === undefined ? undefined : element("source", { path: file });
  return [
    element("serial", { type }, [source, element("target", { port: "0" })]),
    element("console", { type }, [source?.clone(), element("target", { type: "serial", port: "0" })]),
  ];
}

export function graphicsElement(spec: GraphicsSpec): Element {
  const { type, listen, port } = typeof spec === "string" ? { type: spec, listen: undefined, port: undefined } : spec;
  const address = {
    listen,
    port: port === undefined ? "-1" : String(port),
    autoport: port === undefined ? "yes" : "no",
  };
  return element("graphics", { type, ...address });
}
