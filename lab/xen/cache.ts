import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout that the lab belongs to. */
export const checkout = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What the lab has fetched and built. May be removed at any time that no lab runs; the next one makes it again. */
export const cacheDirectory = join(checkout, "node_modules/.cache/xen-lab");

/** A short name for a content. */
export function keyOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(createHash("sha256").update(part).digest());
  return hash.digest("hex").slice(0, 16);
}

/**
 * The folder `name` of the cache, made by `make` if it is not there. It appears whole or not at all, and of two who make
 * it at once one wins.
 */
export async function cached(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const path = join(cacheDirectory, name);
  if (existsSync(path)) return path;
  mkdirSync(cacheDirectory, { recursive: true });
  const making = mkdtempSync(`${path}.`);
  try {
    await make(making);
    renameSync(making, path);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(path)) throw error;
  }
  return path;
}
