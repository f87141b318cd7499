import { Element } from "../../../xml/index.ts";
import { internal, unsupported } from "../errors.ts";
import { attributes, type DiskConfig, given } from "./parts.ts";

/** Which backend serves a disk, by the driver that the definition names. */
const backends: Readonly<Record<string, string>> = {
  phy: "phy",
  tap: "tap",
  tap2: "tap",
  qemu: "qdisk",
  file: "qdisk",
};
/** Formats that a driver reads. */
const formats: Readonly<Record<string, readonly string[]>> = {
  phy: ["raw"],
  file: ["raw"],
  tap: ["raw", "vhd", "qcow", "qcow2", "qed"],
  tap2: ["raw", "vhd", "qcow", "qcow2", "qed"],
  qemu: ["raw", "vhd", "qcow", "qcow2", "qed"],
};
/** What blktap reads itself; the rest of its formats is QEMU's. */
const ofTap = ["raw", "vhd"];

/** libxl's disk for a definition's. Throws VirError. */
export function diskConfig(disk: Element): DiskConfig {
  const device = disk.attribute("device") ?? "disk";
  const path = pathOf(disk);
  if (disk.first("transient") !== undefined) throw internal("libxenlight does not support transient disks");
  const driver = disk.first("driver");
  const discard = driver?.attribute("discard");
  return given<DiskConfig>({
    backend_domname: disk.first("backenddomain")?.attribute("name"),
    pdev_path: path,
    vdev: disk.first("target")?.attribute("dev"),
    ...backendOf(driver, path),
    removable: 1,
    readwrite: disk.first("readonly") === undefined ? 1 : undefined,
    is_cdrom: device === "cdrom" ? 1 : undefined,
    script: undefined,
    discard_enable: discard === undefined ? undefined : discard === "unmap",
  });
}

function backendOf(driver: Element | undefined, path: string | undefined): Pick<DiskConfig, "backend" | "format"> {
  if (path === undefined) return { format: "empty" };
  const name = driver?.attribute("name");
  // Who names no driver leaves the choice of one to libxl, which takes the image for a raw one.
  if (name === undefined) return { format: "raw" };
  const backend = backends[name];
  const format = driver?.attribute("type") ?? "raw";
  if (backend === undefined) throw internal(`libxenlight does not support disk driver ${name}`);
  if (formats[name]?.includes(format) !== true) {
    throw internal(`libxenlight does not support disk format ${format} with disk driver ${name}`);
  }
  return { backend: backend === "tap" && !ofTap.includes(format) ? "qdisk" : backend, format };
}

function pathOf(disk: Element): string | undefined {
  const source = disk.first("source");
  const type = disk.attribute("type") ?? "file";
  if (type === "file") return source?.attribute("file");
  if (type === "block") return source?.attribute("dev");
  if (type === "network" && source !== undefined) return networkPath(source);
  if (source === undefined) return undefined;
  throw unsupported(`a disk of type '${type}' is not supported by the Xen driver`);
}

/** A Ceph image, in QEMU's words. */
function networkPath(source: Element): string {
  const protocol = source.attribute("protocol") ?? "";
  if (protocol !== "rbd") throw unsupported(`Unsupported network block protocol '${protocol}'`);
  if (source.first("auth") !== undefined) {
    throw unsupported("a Ceph image behind a password is not supported by the Xen driver");
  }
  const escaped = (text: string): string => text.replace(/[:@=\\]/g, "\\$&");
  const hosts = source.all("host").map((host) => {
    const port = host.attribute("port");
    return port === undefined ? host.attribute("name") : `${host.attribute("name")}\\:${port}`;
  });
  const monitors = hosts.length === 0 ? "" : `:mon_host=${hosts.join("\\;")}`;
  return `rbd:${escaped(source.attribute("name") ?? "")}:auth_supported=none${monitors}`;
}

const driverNames: Readonly<Record<string, string>> = { phy: "phy", tap: "tap", qdisk: "qemu" };

/** A definition's disk for libxl's. */
export function diskElement(disk: DiskConfig): Element {
  const { pdev_path: path, backend = "", format = "raw", vdev = "", backend_domname: domain } = disk;
  const isCdrom = disk.is_cdrom === 1;
  const isBlock = backend === "phy" || (backend !== "qdisk" && path?.startsWith("/dev/") === true);
  const discard = disk.discard_enable === undefined ? undefined : disk.discard_enable ? "unmap" : "ignore";
  const type = ["empty", "unknown"].includes(format) ? "raw" : format;
  const children = [
    new Element(
      "driver",
      attributes({ name: driverNames[backend] ?? (type === "raw" ? undefined : "qemu"), type, discard }),
    ),
    ...sourceElement(path, isBlock),
    ...(domain === undefined ? [] : [new Element("backenddomain", { name: domain })]),
    new Element("target", { dev: vdev }),
    ...(isCdrom || disk.readwrite !== 1 ? [new Element("readonly")] : []),
  ];
  const isRbd = path?.startsWith("rbd:") === true;
  const kind = isRbd ? "network" : isBlock ? "block" : "file";
  const device = isCdrom ? "cdrom" : vdev.startsWith("fd") ? "floppy" : "disk";
  return new Element("disk", { type: kind, device }, children);
}

function sourceElement(path: string | undefined, isBlock: boolean): Element[] {
  if (path === undefined || path === "") return [];
  if (!path.startsWith("rbd:")) return [new Element("source", isBlock ? { dev: path } : { file: path })];
  const [, name = "", options = ""] = /^rbd:((?:[^:\\]|\\.)*):?(.*)$/s.exec(path) ?? [];
  const monitors = /mon_host=((?:[^:\\]|\\.)*)/s.exec(options)?.[1] ?? "";
  const hosts = monitors.split("\\;").filter((host) => host !== "");
  const elements = hosts.map((host) => {
    const [address = "", port] = host.split("\\:");
    return new Element("host", attributes({ name: address, port }));
  });
  return [new Element("source", { protocol: "rbd", name: name.replace(/\\([:@=\\])/g, "$1") }, elements)];
}
