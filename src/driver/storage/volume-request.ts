import { isAbsolute, join } from "node:path";
import { bytesPer } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import type { PoolDefinition } from "./pool-definition.ts";
import { invalid, unsupported } from "./storage-errors.ts";
import { parseVolume } from "./volume-definition.ts";

/** A volume to be made. */
export interface VolumeRequest {
  readonly name: string;
  readonly path: string;
  readonly format: string;
  /** In bytes. */
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly backing?: { readonly path: string; readonly format: string };
  /** qcow2's `-o`, each already one of what qemu-img knows. */
  readonly options: readonly string[];
  /** Permission bits. Default 0600. */
  readonly mode: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Formats that qemu-img makes, and whether it can have a backing file. */
const made: ReadonlyMap<string, boolean> = new Map([
  ["raw", false],
  ["none", false],
  ["iso", false],
  ["dir", false],
  ["qcow", true],
  ["qcow2", true],
  ["qed", true],
  ["vmdk", true],
  ["vdi", false],
  ["vpc", false],
]);

/**
 * Reads what a volume is to be. `otherwise` is its capacity when the XML has none. Throws VirError; then nothing that is
 * left in the result could leave the pool's directory or be an option of a program.
 */
export function readRequest(xml: string, pool: PoolDefinition, directory: string, otherwise?: bigint): VolumeRequest {
  const { name, root, capacity, allocation } = parseVolume(xml, pool, otherwise);
  if (name.includes("/")) throw invalid(`volume name '${name}' cannot contain '/'`);
  const path = join(directory, name);
  if (name === "." || name === "..") throw invalid(`volume target path '${directory}/${name}' already exists`);
  const target = root.first("target");
  if (target?.first("encryption") !== undefined) throw unsupported("volumes cannot be encrypted yet");
  const format = target?.first("format")?.attribute("type") ?? "raw";
  const canBack = made.get(format);
  if (canBack === undefined) throw unsupported(`volumes of format '${format}' cannot be made`);
  const backing = backingOf(root.first("backingStore"), directory);
  if (backing !== undefined && !canBack) throw notBacked(format);
  const permissions = target?.first("permissions");
  return {
    name,
    path,
    format: ["none", "iso"].includes(format) ? "raw" : format,
    capacity,
    allocation: root.first("allocation") === undefined ? capacity : allocation,
    options: format === "qcow2" ? qcowOptions(target) : [],
    mode: modeOf(permissions) ?? 0o600,
    uid: idOf(permissions, "owner"),
    gid: idOf(permissions, "group"),
    ...(backing !== undefined && { backing }),
  };
}

function backingOf(store: Element | undefined, directory: string): VolumeRequest["backing"] {
  const path = store?.first("path")?.text ?? "";
  if (path === "") return undefined;
  const format = store?.first("format")?.attribute("type") ?? "raw";
  // A full path cannot be one of QEMU's pseudo-protocols: those have a colon before the first slash.
  return { path: isAbsolute(path) ? path : join(directory, path), format };
}

function notBacked(format: string): VirError {
  const detail = `backing storage not supported for ${format} volumes`;
  return VirError.of(ErrorCode.noSupport, ErrorDomain.storage, detail);
}

/** libvirt makes images of the old kind unless it is told otherwise. */
function qcowOptions(target: Element | undefined): string[] {
  const compat = target?.first("compat")?.text ?? "0.10";
  if (!/^[0-9]+\.[0-9]+$/.test(compat)) throw wrong("forbidden characters in 'compat' attribute");
  const size = target?.first("clusterSize");
  const features = target?.first("features")?.elements() ?? [];
  const known = ["lazy_refcounts", "extended_l2"];
  for (const { name } of features) {
    if (!known.includes(name)) throw wrong(`unsupported feature '${name}'`);
    if (compat === "0.10") throw unsupported(`${name} not supported with compat level ${compat}`);
  }
  return [
    `compat=${compat}`,
    ...(size === undefined ? [] : [`cluster_size=${clusterBytes(size)}`]),
    ...features.map(({ name }) => `${name}=on`),
  ];
}

function clusterBytes(element: Element): string {
  const text = element.text.trim();
  if (!/^\d{1,12}$/.test(text)) throw wrong("malformed clusterSize element");
  return String(BigInt(text) * bytesPer(element.attribute("unit") ?? "bytes"));
}

/** Octal; -1 is what libvirt writes for none. */
export function modeOf(permissions: Element | undefined): number | undefined {
  const text = permissions?.first("mode")?.text.trim();
  if (text === undefined || text === "-1") return undefined;
  const mode = /^[0-7]{1,6}$/.test(text) ? Number.parseInt(text, 8) : -1;
  if (mode >= 0 && (mode & ~0o777) === 0) return mode;
  throw wrong("malformed octal mode");
}

/** -1: as it comes. */
export function idOf(permissions: Element | undefined, name: "owner" | "group"): number | undefined {
  const text = permissions?.first(name)?.text.trim();
  if (text === undefined || text === "-1") return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1) return Number(text);
  throw wrong(`malformed ${name} element`);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.storage, detail);
}
