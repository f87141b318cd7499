import type { Element } from "../../../xml/index.ts";
import type { Properties } from "./part.ts";
import { numberIn } from "./reading.ts";

/** libvirt's words, and those of `block_set_io_throttle`. */
const limits = [
  ["total_bytes_sec", "bps"],
  ["read_bytes_sec", "bps_rd"],
  ["write_bytes_sec", "bps_wr"],
  ["total_iops_sec", "iops"],
  ["read_iops_sec", "iops_rd"],
  ["write_iops_sec", "iops_wr"],
] as const;

/**
 * The limits of a disk as the arguments of `block_set_io_throttle`, which works on a device for as long as it lives, and
 * needs no node in the graph that block jobs would have to step around; undefined where there are none.
 */
export function throttle(disk: Element, id: string): Properties | undefined {
  const tune = disk.first("iotune");
  if (tune === undefined) return undefined;
  const properties: Record<string, number | string | undefined> = { id };
  for (const [ours, theirs] of limits) {
    properties[theirs] = numberIn(tune.first(ours)) ?? 0;
    const most = numberIn(tune.first(`${ours}_max`));
    properties[`${theirs}_max`] = most;
    if (most !== undefined) properties[`${theirs}_max_length`] = numberIn(tune.first(`${ours}_max_length`));
  }
  properties["iops_size"] = numberIn(tune.first("size_iops_sec"));
  properties["group"] = tune.first("group_name")?.text.trim() || undefined;
  return properties;
}
