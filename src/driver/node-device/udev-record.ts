import type { HostFiles } from "../host-files.ts";

/** What udev has found out about a device; nothing where there is no udev. */
export interface UdevRecord {
  readonly properties: ReadonlyMap<string, string>;
  /** Names for it in /dev. */
  readonly links: readonly string[];
}

/** `id` is a device's in udev's directory: "b8:0", "+usb:1-1", "c189:1". */
export async function readUdevRecord(files: HostFiles, id: string): Promise<UdevRecord> {
  const lines = ((await files.text(`/run/udev/data/${id}`)) ?? "").split("\n");
  const withMark = (mark: string): string[] =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2));
  const properties = withMark("E:").map((line) => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")] as const);
  return { properties: new Map(properties), links: withMark("S:").map((link) => `/dev/${link}`) };
}
