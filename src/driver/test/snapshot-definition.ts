import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type Document, type Element, XmlError } from "../../xml/index.ts";
import { definitionOf } from "./canonical.ts";
import { type Snapshot, stateOf } from "./snapshots.ts";

/** What a new snapshot is to be called. */
export interface SnapshotRequest {
  readonly name?: string;
  readonly description: string | undefined;
}

/** Reads what the user says of a new snapshot. All disks are part of it, inside their images. Throws VirError. */
export function parseRequest(read: () => Document, { disks }: Definition): SnapshotRequest {
  const root = parseRoot(read, "snapshot");
  const named = root.first("disks")?.all("disk") ?? [];
  if (named.length > disks.length) throw unsupported("too many disk snapshot requests for domain");
  for (const each of named) {
    const name = each.attribute("name") ?? "";
    if (disks.every(({ target }) => target !== name)) throw unsupported(`no disk named '${name}'`);
    if ((each.attribute("snapshot") ?? "internal") !== "internal") {
      throw unsupported(`disk '${name}' must use snapshot mode 'internal'`);
    }
  }
  const [first] = disks;
  if (root.first("memory")?.attribute("snapshot") === "external" && first !== undefined) {
    const detail = `source for disk '${first.target}' is not a regular file; refusing to generate external snapshot name`;
    throw unsupported(detail);
  }
  return readRequest(root);
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
  return {
    name,
    description: root.first("description")?.text,
    parent: root.find("parent", "name")?.text,
    state,
    createdAt: Number(createdAt),
    definition: definitionOf(domain),
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
