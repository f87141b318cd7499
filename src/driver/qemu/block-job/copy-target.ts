import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import type { Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import { type Element, parseXml, XmlError } from "../../../xml/index.ts";
import { devicesOf, sourceOf } from "../devices-of.ts";
import type { BlockNode } from "../statistics/block-group.ts";

/** Where a disk is copied to. */
export interface CopyTarget {
  readonly path: string;
  /** "file" or "block". */
  readonly type: string;
  readonly format: string;
}

const createMs = 60_000;

/** Reads `<disk type='file'><source file='...'/><driver type='qcow2'/></disk>`. Throws VirError. */
export function readCopyTarget(xml: string, fallbackFormat: string): CopyTarget {
  let root: Element;
  try {
    ({ root } = parseXml(xml));
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(disk_definition):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail, error);
  }
  const path = sourceOf(root);
  const type = root.attribute("type") ?? "file";
  if (path === undefined || (type !== "file" && type !== "block")) {
    throw unsupported(`a copy goes to a file or a block device, not to a source of type '${type}'`);
  }
  const format = root.first("driver")?.attribute("type") ?? fallbackFormat;
  if (format !== "raw" && format !== "qcow2") throw unsupported(`a copy in format '${format}' is not supported`);
  return { path, type, format };
}

/**
 * Makes the image, or looks whether it is there when it is to be used as it is. `backing`: what the copy stands on, when
 * it is of the disk's own image alone. Rejects with VirError.
 */
export async function prepareCopyTarget(
  target: CopyTarget,
  disk: string,
  reuse: boolean,
  size: number,
  backing?: { readonly path: string; readonly format: string },
): Promise<void> {
  const known = await stat(target.path).catch(() => undefined);
  if (reuse || target.type === "block") {
    if (known !== undefined) return;
    const detail = `missing destination file for disk ${disk}: ${target.path}: No such file or directory`;
    throw VirError.system(ErrorDomain.qemu, 2, detail);
  }
  if (known !== undefined && known.size > 0) {
    throw unsupported(
      `external destination file for disk ${disk} already exists and is not a block device: ${target.path}`,
    );
  }
  const below = backing === undefined ? [] : ["-b", backing.path, "-F", backing.format];
  // The path stands alone as an argument, and `--` before it: it cannot become an option.
  const args = ["create", "-q", "-f", target.format, ...below, "--", target.path, String(size)];
  try {
    await promisify(execFile)("qemu-img", args, { timeout: createMs });
  } catch (error) {
    const detail = `cannot create '${target.path}': ${String((error as { stderr?: string }).stderr ?? error).trim()}`;
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail, error);
  }
}

/** The nodes for an image, the file's first; the last is what a disk uses. */
export function copyNodes(target: CopyTarget, number: number, backingNode: string | null): JsonObject[] {
  const storage = `libvirt-${number}-storage`;
  const driver = target.type === "block" ? "host_device" : "file";
  const own = { "node-name": storage, driver, filename: target.path, "auto-read-only": true, discard: "unmap" };
  const format = { "node-name": `libvirt-${number}-format`, "read-only": false, driver: target.format, file: storage };
  return [own, target.format === "raw" ? format : { ...format, backing: backingNode }];
}

/** A number that no image of the definition and no node of QEMU has. */
export function freeIndex(definition: Definition, nodes: readonly BlockNode[]): number {
  const shown = devicesOf(definition, "disk").flatMap(indexesIn);
  const used = nodes.map((node) => Number(/^libvirt-(\d+)-/.exec(node["node-name"] ?? "")?.[1] ?? 0));
  return Math.max(0, ...shown, ...used) + 1;
}

function indexesIn(element: Element): number[] {
  const own = Number(element.attribute("index") ?? 0);
  return [own, ...element.elements().flatMap(indexesIn)];
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
