import type { Element } from "../../../xml/index.ts";

/** Throws VirError when there is no such volume, or the pool is not active. */
export type PathOf = (pool: string, volume: string) => string;

/** Disks that are volumes of pools, as a run has them: as the files that these are now; they remember which volumes. */
export function locateVolumes(devices: Element, pathOf: PathOf): void {
  for (const disk of devices.all("disk")) locateVolume(disk, pathOf);
}

/** The same of one. */
export function locateVolume(disk: Element, pathOf: PathOf): void {
  const source = disk.first("source");
  if (disk.attribute("type") !== "volume" && !isVolume(disk)) return;
  source?.setAttribute("file", pathOf(source.attribute("pool") ?? "", source.attribute("volume") ?? ""));
  disk.setAttribute("type", "file");
}

/** The other way round, in a whole definition: as others are shown it. */
export function showVolumes(root: Element): void {
  for (const disk of root.first("devices")?.all("disk") ?? []) {
    if (!isVolume(disk)) continue;
    disk.first("source")?.removeAttribute("file");
    disk.setAttribute("type", "volume");
  }
}

export function holdsVolumes(root: Element): boolean {
  return root.first("devices")?.all("disk").some(isVolume) === true;
}

function isVolume(disk: Element): boolean {
  const source = disk.first("source");
  return source?.attribute("pool") !== undefined && source.attribute("volume") !== undefined;
}
