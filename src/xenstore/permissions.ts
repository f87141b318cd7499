import { XenstoreError } from "./errors.ts";

/** What a domain may do with a node. */
export type Access = "none" | "read" | "write" | "both";

/**
 * Who may do what. The owner may do everything, and dom0 may too; `others` have the access that `domains` does not say
 * otherwise for their id.
 */
export interface Permissions {
  readonly owner: number;
  readonly others: Access;
  readonly domains: readonly { readonly domain: number; readonly access: Access }[];
}

const letters = { none: "n", read: "r", write: "w", both: "b" } as const;
const accesses = new Map(Object.entries(letters).map(([access, letter]) => [letter, access as Access]));

/** On the wire the first entry names the owner, and its letter is what all others may. */
export function formatPermissions({ owner, others, domains }: Permissions): string[] {
  const entries = [{ domain: owner, access: others }, ...domains];
  return entries.map(({ domain, access }) => `${letters[access]}${domain}`);
}

export function parsePermissions(entries: readonly string[]): Permissions {
  const [first, ...domains] = entries.map(parseEntry);
  if (first === undefined) throw new XenstoreError("EIO", "xenstored sent no permissions");
  return { owner: first.domain, others: first.access, domains };
}

function parseEntry(entry: string): { domain: number; access: Access } {
  const access = accesses.get(entry.slice(0, 1) as "n");
  const domain = Number(entry.slice(1));
  if (access === undefined || !/^.\d+$/.test(entry)) {
    throw new XenstoreError("EIO", `xenstored sent a permission that is none: ${JSON.stringify(entry)}`);
  }
  return { domain, access };
}
