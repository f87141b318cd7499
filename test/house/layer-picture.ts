import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Each layer of `src` with the layers that its project references. */
export function layers(src: string): Map<string, string[]> {
  const found = globSync("*/tsconfig.json", { cwd: src }).sort();
  return new Map(
    found.map((file) => {
      const project = JSON.parse(readFileSync(join(src, file), "utf8")) as { references: { path: string }[] };
      return [dirname(file), project.references.map(({ path }) => basename(path))];
    }),
  );
}

/** A row for each height; a layer stands one above the highest that it references. */
export function layerPicture(all: ReadonlyMap<string, readonly string[]>): string {
  const height = (layer: string): number => Math.max(-1, ...(all.get(layer) ?? []).map(height)) + 1;
  const rows: string[] = [];
  for (const layer of all.keys()) {
    const below = (all.get(layer) ?? []).toSorted().join(", ");
    rows.push(`${height(layer)}  ${layer.padEnd(9)} ${below === "" ? "imports nothing" : `-> ${below}`}`);
  }
  return rows.sort((a, b) => b.localeCompare(a, "en", { numeric: true })).join("\n");
}
