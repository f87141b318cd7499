import { type Connection, type Domain, DomainDefinition } from "../../open/index.ts";
import { stateWords } from "./state-words.ts";
import type { Given, Listing } from "./verb.ts";

/** What chooses among domains, and the word for that in a call. */
export const filters = {
  persistent: "persistent",
  transient: "transient",
  "with-snapshot": "hasSnapshot",
  "without-snapshot": "noSnapshot",
  "with-checkpoint": "hasCheckpoint",
  "without-checkpoint": "noCheckpoint",
  "state-running": "running",
  "state-paused": "paused",
  "state-shutoff": "shutoff",
  "state-other": "other",
  autostart: "autostart",
  "no-autostart": "noAutostart",
  "with-managed-save": "managedsave",
  "without-managed-save": "noManagedsave",
} as const;

/** As `virsh list` does: a table, or plain lines where only names or ids are asked for. */
export async function listDomains(connection: Connection, given: Given): Promise<string | Listing> {
  const both = given.has("all")
    ? (["active", "inactive"] as const)
    : given.has("inactive")
      ? (["inactive"] as const)
      : (["active"] as const);
  const chosen = given.words(filters);
  const domains = [...(await connection.domains({ flags: [...both, ...chosen] }))].sort(byIdThenName);
  for (const plain of ["uuid", "name", "id"]) given.exclude("table", plain);
  const shown = given.all(["uuid", "id", "name"]);
  const idOf = ({ id }: Domain): string => (id === -1 ? "-" : String(id));
  if (shown.length > 0 && !given.has("table") && !given.has("json")) {
    const cell = (domain: Domain): Readonly<Record<string, string>> => ({
      uuid: domain.uuid,
      name: domain.name,
      id: idOf(domain),
    });
    // Ids alone are of those that have one.
    const listed = shown.join() === "id" ? domains.filter(({ id }) => id !== -1) : domains;
    return listed.map((domain) => `${shown.map((name) => cell(domain)[name]).join(" ")}\n`).join("");
  }
  const rows = await Promise.all(
    domains.map(async (domain) => {
      const state = stateWords[(await domain.status()).state];
      const title = given.has("title") ? [await titleOf(domain)] : [];
      return {
        domain,
        cells: [
          idOf(domain),
          domain.name,
          given.has("managed-save") && domain.id === -1 && (await domain.hasManagedSaveImage()) ? "saved" : state,
          ...title,
        ],
      };
    }),
  );
  return {
    columns: ["Id", "Name", "State", ...(given.has("title") ? ["Title"] : [])],
    rows: rows.map(({ cells }) => cells),
    objects: rows.map(({ domain, cells }) => ({
      id: domain.id === -1 ? null : domain.id,
      name: domain.name,
      uuid: domain.uuid,
      state: cells[2],
      ...(given.has("title") && { title: cells[3] }),
    })),
  };
}

/** Those that run by their id, then the others by their name. */
function byIdThenName(one: Domain, other: Domain): number {
  if (one.id !== -1 && other.id !== -1) return one.id - other.id;
  if (one.id !== other.id) return one.id === -1 ? 1 : -1;
  return one.name.toLowerCase() < other.name.toLowerCase() ? -1 : 1;
}

async function titleOf(domain: Domain): Promise<string> {
  return DomainDefinition.parse(await domain.getXmlDesc()).title ?? "";
}
