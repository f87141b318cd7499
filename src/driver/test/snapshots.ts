import { type Definition } from "../../model/index.ts";
import { DomainState, ErrorCode, ErrorDomain, type VirError } from "../../protocol/index.ts";
import { Element, writeXml } from "../../xml/index.ts";
import { formatDefinition } from "./canonical.ts";
import { worded } from "./failure.ts";
import { type Moment, Moments } from "./moments.ts";

/** A domain as it was at a moment. */
export interface Snapshot extends Moment {
  readonly description: string | undefined;
  /** DomainState of the domain then. */
  readonly state: number;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly definition: Definition;
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
export function formatSnapshot({ name, description, parent, state, createdAt, definition }: Snapshot): string {
  const memory = state === DomainState.shutoff ? "no" : "internal";
  const disks = definition.disks.map(({ target }) => new Element("disk", { name: target, snapshot: "internal" }));
  const parts = [
    Element.leaf("name", name),
    ...(description === undefined ? [] : [Element.leaf("description", description)]),
    Element.leaf("state", stateNames[state] ?? "shutoff"),
    ...(parent === undefined ? [] : [new Element("parent", {}, [Element.leaf("name", parent)])]),
    Element.leaf("creationTime", String(createdAt)),
    new Element("memory", { snapshot: memory }),
    ...(disks.length === 0 ? [] : [new Element("disks", {}, disks)]),
  ];
  const head = writeXml(new Element("domainsnapshot", {}, parts)).replace(/<\/domainsnapshot>\n$/, "");
  const domain = formatDefinition(definition).replace(/^(?=.)/gm, "  ");
  return `${head}${domain}</domainsnapshot>\n`;
}
