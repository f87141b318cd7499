import { type DiskConfig, given } from "../configuration/parts.ts";
import { entryValue, wrong } from "./settings.ts";

const formats = ["raw", "qcow", "qcow2", "vhd", "qed"];
/** How the first words of an older entry's target name the backend, and how its image is read. */
const prefixes: Readonly<Record<string, { readonly backend?: string; readonly format?: string }>> = {
  phy: { backend: "phy" },
  file: { backend: "qdisk", format: "raw" },
  tap: { backend: "tap" },
  tap2: { backend: "tap" },
  qemu: { backend: "qdisk" },
  aio: { format: "raw" },
  raw: { format: "raw" },
  qcow: { format: "qcow" },
  qcow2: { format: "qcow2" },
  vhd: { format: "vhd" },
  qed: { format: "qed" },
  vpc: { format: "vhd" },
};

interface Reading {
  target?: string;
  format?: string;
  vdev?: string;
  access?: string;
  backend?: string;
  isBackendOld?: boolean;
  script?: string;
  domain?: string;
  discard?: boolean;
  isCdrom?: boolean;
}

/**
 * A disk as xl and xm write it: "TARGET,FORMAT,VDEV,ACCESS" in that order, or each as NAME=VALUE, `target=` last and with
 * all that follows; before the target the older names of backends, which count in xm's files (`isOld`) alone. Who names none
 * has QEMU's. Throws VirError.
 */
export function readDisk(text: string, isOld: boolean): DiskConfig {
  const reading = read(text);
  if (!isOld && reading.isBackendOld === true) delete reading.backend;
  const { target, format = "raw", vdev, access = "rw", backend, script, domain, discard, isCdrom } = reading;
  if (vdev === undefined || vdev === "") throw wrong("disk", `has no device: '${text}'`);
  if (!["r", "ro", "w", "rw", "!", "w!"].includes(access)) throw wrong("disk", `has an unknown access '${access}'`);
  const hasImage = target !== undefined && target !== "";
  return given<DiskConfig>({
    backend_domname: domain,
    pdev_path: hasImage ? target : undefined,
    vdev,
    backend: hasImage ? (backend ?? "qdisk") : undefined,
    format: hasImage ? format : "empty",
    removable: 1,
    readwrite: isCdrom !== true && access !== "r" && access !== "ro" ? 1 : undefined,
    is_cdrom: isCdrom === true ? 1 : undefined,
    script,
    discard_enable: discard,
  });
}

const names = ["format", "vdev", "access", "backend", "backendtype", "devtype", "script", "target"];

function read(text: string): Reading {
  const reading: Reading = {};
  const order: ("target" | "format" | "vdev" | "access")[] = ["target", "format", "vdev", "access"];
  for (let rest = text.trim(); rest !== ""; ) {
    const isTarget = /^target\s*=/.exec(rest)?.[0];
    const end = isTarget === undefined ? rest.indexOf(",") : -1;
    const part = (end < 0 ? rest : rest.slice(0, end)).trim();
    rest = end < 0 ? "" : rest.slice(end + 1).trim();
    const [, name = "", value = ""] = /^([a-z]+)\s*=\s*(.*)$/s.exec(part) ?? [];
    if (isTarget !== undefined) reading.target = value.trim();
    else if (names.includes(name)) setNamed(reading, name, value);
    else if (part === "cdrom") reading.isCdrom = true;
    else if (part === "discard" || part === "no-discard") reading.discard = part === "discard";
    else setPlaced(reading, part, order);
  }
  return reading;
}

function setNamed(reading: Reading, name: string, value: string): void {
  if (name === "format") reading.format = formatOf(value);
  else if (name === "vdev") setDevice(reading, value);
  else if (name === "access") reading.access = value;
  else if (name === "backend") reading.domain = value;
  else if (name === "backendtype") reading.backend = value;
  else if (name === "devtype") reading.isCdrom = value === "cdrom";
  else reading.script = value;
}

/** The next of the order, but that an older entry has no format. */
function setPlaced(reading: Reading, part: string, order: string[]): void {
  let next = order.shift();
  if (next === "format" && part !== "" && !formats.includes(part) && part !== "vpc") next = order.shift();
  if (next === "target") setTarget(reading, part);
  else if (next === "format") reading.format = part === "" ? (reading.format ?? "raw") : formatOf(part);
  else if (next === "vdev") setDevice(reading, part);
  else if (next === "access") reading.access = part;
  else throw wrong("disk", `has more than it can have: '${part}'`);
}

function setTarget(reading: Reading, text: string): void {
  let rest = text;
  for (;;) {
    const word = /^([a-z0-9]+):/.exec(rest)?.[1] ?? "";
    const prefix = Object.hasOwn(prefixes, word) ? prefixes[word] : undefined;
    if (prefix === undefined) break;
    if (prefix.backend !== undefined && reading.backend === undefined) {
      reading.backend = prefix.backend;
      reading.isBackendOld = true;
    }
    if (prefix.format !== undefined) reading.format = prefix.format;
    rest = rest.slice(word.length + 1);
  }
  reading.target = rest;
}

function setDevice(reading: Reading, text: string): void {
  const [device = "", kind] = text.replace(/^ioemu:/, "").split(":");
  reading.vdev = device;
  if (kind === "cdrom") reading.isCdrom = true;
}

function formatOf(text: string): string {
  if (text === "vpc") return "vhd";
  if (formats.includes(text)) return text;
  throw wrong("disk", `has an unknown format '${text}'`);
}

/** As `readDisk` reads it, in xl's words. */
export function writeDisk(disk: DiskConfig): string {
  const { format = "raw", vdev = "", backend, script, discard_enable: discard, pdev_path: path } = disk;
  const words = [
    `format=${format === "empty" ? "raw" : format}`,
    `vdev=${entryValue("vdev", vdev)}`,
    `access=${disk.readwrite === 1 ? "rw" : "ro"}`,
    ...(disk.is_cdrom === 1 ? ["devtype=cdrom"] : []),
    ...(backend === undefined ? [] : [`backendtype=${backend}`]),
    ...(disk.backend_domname === undefined ? [] : [`backend=${entryValue("backend", disk.backend_domname)}`]),
    ...(script === undefined ? [] : [`script=${entryValue("script", script)}`]),
    ...(discard === undefined ? [] : [discard ? "discard" : "no-discard"]),
    ...(path === undefined ? [] : [`target=${path}`]),
  ];
  return words.join(",");
}

const oldBackends: Readonly<Record<string, string>> = { phy: "phy", tap: "tap", qdisk: "qemu" };

/** In xm's words. */
export function writeOldDisk({ pdev_path: path, vdev = "", backend, format, readwrite, is_cdrom }: DiskConfig): string {
  const driver = backend === undefined ? undefined : oldBackends[backend];
  const isRaw = format === "raw" || format === "empty" || format === undefined;
  const prefix = driver === undefined ? "" : `${driver}:${isRaw ? "" : `${format}:`}`;
  const device = entryValue("vdev", is_cdrom === 1 ? `${vdev}:cdrom` : vdev);
  return `${path === undefined ? "" : prefix + entryValue("path", path)},${device},${readwrite === 1 ? "w" : "r"}`;
}
