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

/** Reads what the user says of a new snapshot. Throws VirError. */
export function parseRequest(read: () => Document): SnapshotRequest {
  return readRequest(parseRoot(read, "snapshot"));
}

/** Name and description, which checkpoints have as well. */
export function readRequest(root: Element): SnapshotRequest {
  const name = root.first("name")?.text;
  const description = root.first("description")?.text;
  return name === undefined ? { description } : { name, description };
}

/** Reads a whole snapshot, as it is shown; `definition` stands in for one that is not there. Throws VirError. */
export function parseSnapshot(read: () => Document, definition: Definition): Snapshot {
  const root = parseRoot(read, "snapshot");
  const createdAt = root.first("creationTime")?.text;
  if (createdAt === undefined) throw failure("missing creationTime from existing snapshot");
  const name = root.first("name")?.text;
  if (name === undefined) throw failure("a redefined snapshot must have a name");
  const domain = root.first("domain");
  return {
    name,
    description: root.first("description")?.text,
    parent: root.find("parent", "name")?.text,
    state: stateOf(root.first("state")?.text ?? "shutoff"),
    createdAt: Number(createdAt),
    definition: domain === undefined ? definition : definitionOf(domain),
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

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.domainSnapshot, detail);
}
