import { ErrorCode, ErrorDomain, type TypedParam, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { blockTunables } from "../../tuning/tunables.ts";

const most = 1_000_000_000_000_000n;
const kinds = ["bytes_sec", "iops_sec"];
const directions = ["total", "read", "write"];

/**
 * Refuses limits of a disk that QEMU would not take together once these are set; of a definition alone libvirt looks at
 * less. Throws VirError.
 */
export function checkLimits(disk: Element, params: readonly TypedParam[], isLive: boolean): void {
  for (const { value } of params) {
    if (value.type !== "ullong" || value.value <= most) continue;
    const detail = `block I/O throttle limit value must be no more than ${most}`;
    throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, detail);
  }
  const before = blockTunables.map(({ field, read }) => ({ field, value: read(disk) }));
  const limits = new Map(
    [...before, ...params].flatMap(({ field, value }) => (value.type === "ullong" ? [[field, value.value]] : [])),
  );
  const of = (field: string): bigint => limits.get(field) ?? 0n;
  for (const group of kinds.flatMap((kind) => [kind, `${kind}_max`])) {
    if (of(`total_${group}`) !== 0n && (of(`read_${group}`) !== 0n || of(`write_${group}`) !== 0n)) {
      const detail = `total and read/write of ${group} cannot be set at the same time`;
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
    }
  }
  if (!isLive) return;
  const fields = kinds.flatMap((kind) => directions.map((direction) => `${direction}_${kind}`));
  for (const field of fields) {
    if (of(`${field}_max`) === 0n || of(`${field}_max`) >= of(field)) continue;
    throw unsupported(`value '${field}_max' cannot be smaller than '${field}'`);
  }
  const setsGroup = params.some(({ field }) => field === "group_name");
  if (setsGroup && Array.from(limits.values()).every((value) => value === 0n)) {
    throw unsupported("creating a new group/updating existing with all tune parameters zero is not supported");
  }
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
