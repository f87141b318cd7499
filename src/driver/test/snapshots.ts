import { type Definition } from "../../model/index.ts";
import { DomainState, ErrorCode, ErrorDomain, type VirError } from "../../protocol/index.ts";
import { Element, writeXml } from "../../xml/index.ts";
import { worded } from "../objects/worded.ts";
import { formatDefinition } from "./canonical.ts";
import { type Moment, Moments } from "./moments.ts";

/** A domain as it was at a moment. */
export interface Snapshot extends Moment {
  readonly description: string | undefined;
  /** DomainState of the domain then. */
  readonly state: number;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly definition: Definition;
  /** Where its memory is, unless that is inside the image of a disk. */
  readonly memoryFile?: string;
  /** In the order of the definition's; undefined: all of them inside their images. */
  readonly disks?: readonly SnapshotDisk[];
}

/** What a snapshot has of a disk. */
export interface SnapshotDisk {
  readonly name: string;
  /** no, internal, external, manual. */
  readonly snapshot: string;
  /** The image in which the domain goes on from there, where the snapshot is external. */
  readonly file?: string;
  readonly format?: string;
}

export type Snapshots = Moments<Snapshot>;

export function noSnapshots(): Snapshots {
  return new Moments((name) => missing(`no domain snapshot with matching name '${name}'`));
}

export function missing(detail: string): VirError {
  return worded(ErrorCode.noDomainSnapshot, ErrorDomain.test, "Domain snapshot not found", detail);
}

const stateNames: Readonly<Record<number, string>> = {
  [DomainState.running]: "running",
  [DomainState.paused]: "paused",
  [DomainState.shutoff]: "shutoff",
};

/** Undefined for a word that is no state; one of the disks alone counts as that of a stopped domain. */
export function stateOf(name: string): number | undefined {
  if (name === "disk-snapshot") return DomainState.shutoff;
  const found = Object.entries(stateNames).find(([, each]) => each === name);
  return found === undefined ? undefined : Number(found[0]);
}

/** As `virsh snapshot-dumpxml` shows it. */
export function formatSnapshot(snapshot: Snapshot): string {
  const { name, description, parent, state, createdAt, definition, memoryFile } = snapshot;
  const within = { snapshot: state === DomainState.shutoff ? "no" : "internal" };
  const memory = memoryFile === undefined ? within : { snapshot: "external", file: memoryFile };
  const inside = () => definition.disks.map(({ target }) => ({ name: target, snapshot: "internal" }));
  const disks = (snapshot.disks ?? inside()).map(formatDisk);
  const parts = [
    Element.leaf("name", name),
    ...(description === undefined ? [] : [Element.leaf("description", description)]),
    Element.leaf("state", stateNames[state] ?? "shutoff"),
    ...(parent === undefined ? [] : [new Element("parent", {}, [Element.leaf("name", parent)])]),
    Element.leaf("creationTime", String(createdAt)),
    new Element("memory", memory),
    ...(disks.length === 0 ? [] : [new Element("disks", {}, disks)]),
  ];
  const head = writeXml(new Element("domainsnapshot", {}, parts)).replace(/<\/domainsnapshot>\n$/, "");
  const domain = formatDefinition(definition).replace(/^(?=.)/gm, "  ");
  return `${head}${domain}</domainsnapshot>\n`;
}

function formatDisk({ name, snapshot, file, format }: SnapshotDisk): Element {
  if (snapshot !== "external") return new Element("disk", { name, snapshot });
  return new Element("disk", { name, snapshot, type: "file" }, [
    ...(format === undefined ? [] : [new Element("driver", { type: format })]),
    ...(file === undefined ? [] : [new Element("source", { file })]),
  ]);
}

/** Whether a part of it is in a file of its own. */
export function isExternal({ memoryFile, disks = [] }: Snapshot): boolean {
  return memoryFile !== undefined || disks.some(({ snapshot }) => snapshot === "external");
}
