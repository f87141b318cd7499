import type { Connection, Domain } from "../../open/index.ts";
import { findDomain } from "./lookup.ts";
import { byName } from "./object-verbs.ts";
import { localTime, zoneText } from "./table.ts";
import { type TreeItem, treeText } from "./tree-text.ts";
import type { Given, Listing } from "./verb.ts";

/** What a list says of a moment of a domain: of a snapshot or a checkpoint. */
export interface MomentFacts extends TreeItem {
  /** In seconds since 1970. */
  readonly created: number;
}

/** What the lists of snapshots and of checkpoints do not have in common. */
export interface MomentKind<Moment extends { readonly name: string }, Flag extends string, Facts extends MomentFacts> {
  /** Options that choose among them, and what a call has for each. */
  readonly filters: Readonly<Record<string, Flag | "roots">>;
  /** Options that exclude each other here, and not in every list. */
  readonly exclusive: readonly (readonly [one: string, other: string])[];
  /** Headings between the time and the parent, and what stands below them. */
  readonly columns: readonly (readonly [heading: string, text: (facts: Facts) => string])[];
  /** After which one all that are listed were made; undefined: any. Throws PlainFailure. */
  base(domain: Domain, given: Given): Promise<Moment | undefined>;
  all(domain: Domain, flags: readonly (Flag | "roots")[]): Promise<readonly Moment[]>;
  children(base: Moment, flags: readonly (Flag | "descendants")[]): Promise<readonly Moment[]>;
  describe(moment: Moment): Promise<Facts>;
}

/** snapshot-list and checkpoint-list, in virsh's form. Throws PlainFailure. */
export async function listMoments<
  Moment extends { readonly name: string },
  Flag extends string,
  Facts extends MomentFacts,
>(connection: Connection, given: Given, kind: MomentKind<Moment, Flag, Facts>): Promise<string | Listing> {
  for (const [one, other] of [
    ["tree", "name"],
    ["parent", "roots"],
    ["parent", "tree"],
    ["roots", "tree"],
    ["roots", "from"],
    ...kind.exclusive,
  ] as const)
    given.exclude(one, other);
  const found = await collect(await findDomain(connection, given.need("domain")), given, kind);
  const moments = given.has("topological") ? found : byName(found);
  if (given.has("name") && !given.has("json")) return moments.map(({ name }) => `${name}\n`).join("");
  const objects = await Promise.all(moments.map((moment) => kind.describe(moment)));
  if (given.has("tree") && !given.has("json")) return treeText(objects);
  const parents = given.has("parent") ? [["Parent", ({ parent }: Facts) => parent ?? ""] as const] : [];
  const columns = [
    ["Name", ({ name }: Facts) => name] as const,
    ["Creation Time", timeOf] as const,
    ...kind.columns,
    ...parents,
  ];
  return {
    columns: columns.map(([heading]) => heading),
    rows: objects.map((facts) => columns.map(([, text]) => text(facts))),
    objects,
  };
}

function timeOf({ created }: MomentFacts): string {
  return `${localTime(created * 1000)} ${zoneText(created * 1000)}`;
}

async function collect<Moment extends { readonly name: string }, Flag extends string, Facts extends MomentFacts>(
  domain: Domain,
  given: Given,
  kind: MomentKind<Moment, Flag, Facts>,
): Promise<readonly Moment[]> {
  const flags = given.words(kind.filters);
  const base = await kind.base(domain, given);
  if (base === undefined) return kind.all(domain, flags);
  const below = flags.filter((flag): flag is Flag => flag !== "roots");
  const found = await kind.children(base, given.has("descendants") ? ["descendants", ...below] : below);
  return given.has("tree") ? [base, ...found] : found;
}
