import type { Connection, Domain, Snapshot } from "../../open/index.ts";
import { parseXml } from "../../xml/index.ts";
import { findDomain } from "./lookup.ts";
import { byName } from "./object-verbs.ts";
import { findSnapshot } from "./snapshot-lookup.ts";
import { localTime, zoneText } from "./table.ts";
import { treeText } from "./tree-text.ts";
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
export async function listSnapshots(connection: Connection, given: Given): Promise<string | Listing> {
  for (const [one, other] of [
    ["tree", "name"],
    ["parent", "roots"],
    ["parent", "tree"],
    ["roots", "tree"],
    ["roots", "from"],
    ["roots", "current"],
  ] as const) {
    given.exclude(one, other);
  }
  const domain = await findDomain(connection, given.need("domain"));
  const found = await collect(domain, given);
  const snapshots = given.has("topological") ? [...found] : byName(found);
  if (given.has("name") && !given.has("json")) return snapshots.map(({ name }) => `${name}\n`).join("");
  const objects = await Promise.all(snapshots.map(describe));
  if (given.has("tree") && !given.has("json")) return treeText(objects);
  return {
    columns: ["Name", "Creation Time", "State", ...(given.has("parent") ? ["Parent"] : [])],
    rows: objects.map(({ name, created, state, parent }) => [
      name,
      `${localTime(created * 1000)} ${zoneText(created * 1000)}`,
      state,
      ...(given.has("parent") ? [parent ?? ""] : []),
    ]),
    objects,
  };
}

/** Those of the domain, or those taken after one of them. */
async function collect(domain: Domain, given: Given): Promise<readonly Snapshot[]> {
  const flags = given.words(filters);
  const hasBase = given.text("from") !== undefined || given.has("current");
  if (!hasBase) {
    if (given.has("descendants")) throw new PlainFailure("--descendants requires either --from or --current");
    return domain.listAllSnapshots({ flags });
  }
  const base = await findSnapshot(domain, given, "from");
  const below = flags.filter((flag) => flag !== "roots");
  const found = await base.listAllChildren({ flags: given.has("descendants") ? ["descendants", ...below] : below });
  return given.has("tree") ? [base, ...found] : found;
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
