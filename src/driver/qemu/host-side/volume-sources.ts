import type { Element } from "../../../xml/index.ts";

/**
 * Disks that are volumes of pools, as the files that these are; they remember which volumes. `pathOf` throws VirError when
 * there is no such volume, or the pool is not active.
 */
export function showPaths(devices: Element, pathOf: (pool: string, volume: string) => string): void {
  for (const disk of devices.all("disk")) showPath(disk, pathOf);
}

/** The same of one. */
export function showPath(disk: Element, pathOf: (pool: string, volume: string) => string): void {
  const source = disk.first("source");
  if (disk.attribute("type") !== "volume" || source === undefined) return;
  source.setAttribute("file", pathOf(source.attribute("pool") ?? "", source.attribute("volume") ?? ""));
  disk.setAttribute("type", "file");
}

/** The other way round: as the definition of a run shows them. */
export function showVolumes(devices: Element): void {
  for (const disk of devices.all("disk")) {
    const source = disk.first("source");
    if (source?.attribute("pool") === undefined || source.attribute("volume") === undefined) continue;
    source.removeAttribute("file");
    disk.setAttribute("type", "volume");
  }
}
