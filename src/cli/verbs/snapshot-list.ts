import type { Connection, Domain, Snapshot } from "../../open/index.ts";
import { parseXml } from "../../xml/index.ts";
import { listMoments } from "./moment-list.ts";
import { findSnapshot } from "./snapshot-lookup.ts";
import { type Given, type Listing, PlainFailure } from "./verb.ts";

const filters = {
  roots: "roots",
  leaves: "leaves",
  "no-leaves": "noLeaves",
  metadata: "metadata",
  "no-metadata": "noMetadata",
  inactive: "inactive",
  active: "active",
  "disk-only": "diskOnly",
  internal: "internal",
  external: "external",
  topological: "topological",
} as const;
export const snapshotListFlags: readonly string[] = [
  "parent",
  ...Object.keys(filters),
  "tree",
  "current",
  "descendants",
  "name",
];

/** snapshot-list. */
export function listSnapshots(connection: Connection, given: Given): Promise<string | Listing> {
  return listMoments(connection, given, {
    filters,
    exclusive: [["roots", "current"]],
    columns: [["State", ({ state }) => state]],
    base,
    all: (domain, flags) => domain.listAllSnapshots({ flags }),
    children: (snapshot, flags) => snapshot.listAllChildren({ flags }),
    describe,
  });
}

async function base(domain: Domain, given: Given): Promise<Snapshot | undefined> {
  if (given.text("from") !== undefined || given.has("current")) return findSnapshot(domain, given, "from");
  if (given.has("descendants")) throw new PlainFailure("--descendants requires either --from or --current");
  return undefined;
}

async function describe(snapshot: Snapshot) {
  const { root } = parseXml(await snapshot.getXmlDesc());
  return {
    name: snapshot.name,
    /** In seconds since 1970. */
    created: Number(root.first("creationTime")?.text ?? 0),
    state: root.first("state")?.text ?? "",
    parent: root.find("parent", "name")?.text ?? null,
  };
}
