import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type Document, type Element, XmlError } from "../../xml/index.ts";
import { definitionOf } from "./canonical.ts";
import { type Snapshot, type SnapshotDisk, stateOf } from "./snapshots.ts";

/** What a new snapshot is to be called, and to have outside. */
export interface SnapshotRequest extends Outside {
  readonly name?: string;
  readonly description: string | undefined;
}

/** Where the parts of a snapshot go that are not inside the images of the disks. */
type Outside = Pick<Snapshot, "memoryFile" | "disks">;

const locations: readonly string[] = ["no", "internal", "external", "manual"];

/** Reads what the user says of a new snapshot. Throws VirError. */
export function parseRequest(read: () => Document, definition: Definition): SnapshotRequest {
  const root = parseRoot(read, "snapshot");
  return { ...readRequest(root), ...readOutside(root, definition) };
}

/** Disks may be outside only where memory is; without one that is, all disks are part of it, inside their images. */
function readOutside(root: Element, { disks }: Definition): Outside {
  const memoryFile = readMemoryFile(root.first("memory"));
  const named = (root.first("disks")?.all("disk") ?? []).map(readDisk);
  if (memoryFile !== undefined && !memoryFile.startsWith("/")) {
    throw failure(ErrorCode.xmlError, `memory snapshot file path (${memoryFile}) must be absolute`);
  }
  if (named.length > disks.length) throw unsupported("too many disk snapshot requests for domain");
  for (const { name, snapshot } of named) {
    if (disks.every(({ target }) => target !== name)) throw unsupported(`no disk named '${name}'`);
    if (memoryFile === undefined && snapshot !== undefined && snapshot !== "internal") {
      throw unsupported(`disk '${name}' must use snapshot mode 'internal'`);
    }
  }
  if (memoryFile === undefined) return {};
  return {
    memoryFile,
    disks: disks.map(({ target }) =>
      placed(
        named.find(({ name }) => name === target),
        target,
      ),
    ),
  };
}

/** Undefined unless memory goes to a file of its own. */
function readMemoryFile(memory: Element | undefined): string | undefined {
  const file = memory?.attribute("file");
  const snapshot = readLocation(memory) ?? (file === undefined ? undefined : "external");
  if (snapshot === "external") {
    if (file === undefined) throw failure(ErrorCode.xmlError, "external memory snapshots require a filename");
    return file;
  }
  if (file !== undefined) throw failure(ErrorCode.xmlError, `memory filename '${file}' requires external snapshot`);
  return undefined;
}

function readDisk(disk: Element): Partial<SnapshotDisk> & { readonly name: string } {
  const name = disk.attribute("name");
  if (name === undefined) throw failure(ErrorCode.xmlError, "missing name from disk snapshot element");
  const file = disk.find("source")?.attribute("file");
  const format = disk.first("driver")?.attribute("type");
  const isOutside = file !== undefined || format !== undefined;
  const snapshot = readLocation(disk) ?? (isOutside ? "external" : undefined);
  return { name, ...(snapshot && { snapshot }), ...(file && { file }), ...(format && { format }) };
}

function readLocation(element: Element | undefined): string | undefined {
  const word = element?.attribute("snapshot");
  if (element === undefined || word === undefined || locations.includes(word)) return word;
  const detail = `Invalid value for attribute 'snapshot' in element '${element.name}': '${word}'.`;
  throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}

/** A name for a new image could be derived from that of a file alone; there are no files here. */
function placed(said: Partial<SnapshotDisk> | undefined, name: string): SnapshotDisk {
  const disk = { ...said, name, snapshot: said?.snapshot ?? "external" };
  if (disk.snapshot !== "external" || disk.file !== undefined) return disk;
  throw unsupported(`source for disk '${name}' is not a regular file; refusing to generate external snapshot name`);
}

/** Name and description, which checkpoints have as well. */
export function readRequest(root: Element): SnapshotRequest {
  const name = root.first("name")?.text;
  const description = root.first("description")?.text;
  return name === undefined ? { description } : { name, description };
}

/** Reads a whole snapshot, as it is shown. Throws VirError. */
export function parseSnapshot(read: () => Document): Snapshot {
  const root = parseRoot(read, "snapshot");
  const name = root.first("name")?.text;
  if (name === undefined) throw failure(ErrorCode.xmlError, "a redefined snapshot must have a name");
  const createdAt = root.first("creationTime")?.text;
  if (createdAt === undefined) throw failure(ErrorCode.internalError, "missing creationTime from existing snapshot");
  const word = root.first("state")?.text;
  if (word === undefined) throw failure(ErrorCode.xmlError, "missing state from existing snapshot");
  const state = stateOf(word);
  if (state === undefined) throw unsupported(`Invalid state '${word}' in domain snapshot XML`);
  const domain = root.first("domain");
  if (domain === undefined) throw failure(ErrorCode.internalError, "missing domain in snapshot");
  const definition = definitionOf(domain);
  return {
    name,
    description: root.first("description")?.text,
    parent: root.find("parent", "name")?.text,
    state,
    createdAt: Number(createdAt),
    definition,
    ...readOutside(root, definition),
  };
}

/** `kind` is "snapshot" or "checkpoint". Throws VirError. */
export function parseRoot(read: () => Document, kind: string): Element {
  try {
    const { root } = read();
    if (root.name === `domain${kind}`) return root;
    const detail = `expecting root element of 'domain${kind}', not '${root.name}'`;
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(domain_${kind}):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domainSnapshot, detail, error);
  }
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domainSnapshot, detail);
}

function unsupported(detail: string): VirError {
  return failure(ErrorCode.configUnsupported, detail);
}
