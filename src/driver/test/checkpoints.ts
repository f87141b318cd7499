import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, type VirError } from "../../protocol/index.ts";
import { Element, writeXml } from "../../xml/index.ts";
import { worded } from "../objects/worded.ts";
import { formatDefinition } from "./canonical.ts";
import { type Moment, Moments } from "./moments.ts";

/** A moment from which on changes of the disks are recorded. */
export interface Checkpoint extends Moment {
  readonly description: string | undefined;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Undefined for one from before, of which nobody has said it. */
  readonly definition: Definition | undefined;
  readonly disks: readonly CheckpointDisk[];
}

export interface CheckpointDisk {
  /** Of its target. */
  readonly name: string;
  /** What records its changes; absent: nothing does. */
  readonly bitmap?: string;
}

export type Checkpoints = Moments<Checkpoint>;

export function noCheckpoints(): Checkpoints {
  return new Moments((name) => missing(`no domain checkpoint with matching name '${name}'`));
}

export function missing(detail: string): VirError {
  return worded(ErrorCode.noDomainCheckpoint, ErrorDomain.test, "Domain checkpoint not found", detail);
}

/** As `virsh checkpoint-dumpxml` shows it. */
export function formatCheckpoint(
  { name, description, parent, createdAt, definition, disks }: Checkpoint,
  withDomain: boolean,
) {
  const shown = disks.map(({ name: target, bitmap }) => {
    const attributes = { name: target, checkpoint: bitmap === undefined ? "no" : "bitmap" };
    return new Element("disk", bitmap === undefined ? attributes : { ...attributes, bitmap });
  });
  const parts = [
    Element.leaf("name", name),
    ...(description === undefined ? [] : [Element.leaf("description", description)]),
    ...(parent === undefined ? [] : [new Element("parent", {}, [Element.leaf("name", parent)])]),
    Element.leaf("creationTime", String(createdAt)),
    ...(shown.length === 0 ? [] : [new Element("disks", {}, shown)]),
  ];
  const head = writeXml(new Element("domaincheckpoint", {}, parts)).replace(/<\/domaincheckpoint>\n$/, "");
  const isShown = withDomain && definition !== undefined;
  const domain = isShown ? formatDefinition(definition).replace(/^(?=.)/gm, "  ") : "";
  return `${head}${domain}</domaincheckpoint>\n`;
}
