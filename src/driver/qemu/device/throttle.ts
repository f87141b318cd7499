import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";

const kinds = ["total", "read", "write"] as const;

const units = [
  ["bytes_sec", "bps"],
  ["iops_sec", "iops"],
] as const;

/** QEMU's words for the directions. */
const directions = { total: "", read: "_rd", write: "_wr" };

/** What `block_set_io_throttle` takes for the limits that stand at a disk; `id` is QEMU's name for its device. */
export function throttleArguments(disk: Element, id: string): JsonObject {
  const limits = disk.first("iotune");
  const of = (name: string): number => Number(limits?.first(name)?.text ?? 0);
  const args: Record<string, unknown> = { id };
  for (const kind of kinds) {
    for (const [unit, short] of units) {
      const name = `${short}${directions[kind]}`;
      args[name] = of(`${kind}_${unit}`);
      const most = of(`${kind}_${unit}_max`);
      // 0 is not what the limit is without one.
      if (most > 0) args[`${name}_max`] = most;
      const length = of(`${kind}_${unit}_max_length`);
      if (length > 0) args[`${name}_max_length`] = length;
    }
  }
  const size = of("size_iops_sec");
  if (size > 0) args["iops_size"] = size;
  const group = limits?.first("group_name")?.text;
  if (group !== undefined && group !== "") args["group"] = group;
  return args;
}

/** Limits as QEMU has them: libvirt's names, from what `query-block` says of a device that has an image. */
export function limitsOf(inserted: JsonObject): ReadonlyMap<string, string | bigint> {
  const known = new Map<string, string | bigint>();
  for (const kind of kinds) {
    for (const [unit, short] of units) {
      const name = `${short}${directions[kind]}`;
      const of = (suffix: string): bigint => BigInt(Number(inserted[`${name}${suffix}`] ?? 0));
      known.set(`${kind}_${unit}`, of(""));
      known.set(`${kind}_${unit}_max`, of("_max"));
      known.set(`${kind}_${unit}_max_length`, of("_max_length"));
    }
  }
  known.set("size_iops_sec", BigInt(Number(inserted["iops_size"] ?? 0)));
  const group = inserted["group"];
  known.set("group_name", typeof group === "string" ? group : "");
  return known;
}
