import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Document, Element } from "../../xml/index.ts";
import { definitionOf } from "./canonical.ts";
import type { Checkpoint, CheckpointDisk } from "./checkpoints.ts";
import { parseRoot, readRequest } from "./snapshot-definition.ts";

/** Reads a whole checkpoint, as it is shown; `present` is what the domain is now. Throws VirError. */
export function parseCheckpoint(read: () => Document, present: Definition): Checkpoint {
  const root = parseRoot(read, "checkpoint");
  const { name, description } = readRequest(root);
  if (name === undefined) throw failure(ErrorCode.xmlError, "a redefined checkpoint must have a name");
  const createdAt = root.first("creationTime")?.text;
  if (createdAt === undefined) {
    throw failure(ErrorCode.internalError, "missing creationTime from existing checkpoint");
  }
  const domain = root.first("domain");
  const definition = domain === undefined ? undefined : definitionOf(domain);
  return {
    name,
    description,
    parent: root.find("parent", "name")?.text,
    createdAt: Number(createdAt),
    definition,
    disks: readCheckpointDisks(root, definition ?? present, name),
  };
}

/** All disks of the domain; where some are named, the changes of the others are not recorded. Throws VirError. */
export function readCheckpointDisks(root: Element, { disks }: Definition, checkpoint: string): CheckpointDisk[] {
  // The rule of libvirt's schema; it wants the name to be fit for a bitmap's.
  if (!/^[\w-][\w.-]*$/.test(checkpoint)) {
    const detail = `the name of a checkpoint has letters, digits, "_", "-" and, not at first, "."`;
    throw VirError.of(ErrorCode.xmlInvalidSchema, ErrorDomain.xml, detail);
  }
  const named = root.first("disks")?.all("disk") ?? [];
  if (named.length > disks.length) {
    throw failure(ErrorCode.configUnsupported, "too many disk checkpoint requests for domain");
  }
  if (disks.length === 0) {
    throw failure(ErrorCode.configUnsupported, "domain must have at least one disk to perform checkpoints");
  }
  const stranger = named.find((each) => disks.every(({ target }) => target !== each.attribute("name")));
  if (stranger !== undefined) {
    throw failure(ErrorCode.configUnsupported, `no disk named '${stranger.attribute("name") ?? ""}'`);
  }
  return disks.map(({ target: name }) => {
    const said = named.find((each) => each.attribute("name") === name);
    const isRecorded = said === undefined ? named.length === 0 : said.attribute("checkpoint") !== "no";
    return isRecorded ? { name, bitmap: said?.attribute("bitmap") ?? checkpoint } : { name };
  });
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domainCheckpoint, detail);
}
