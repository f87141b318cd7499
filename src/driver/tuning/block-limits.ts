import { ErrorCode, type ErrorDomain, type TypedParam, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import { blockTunables } from "./tunables.ts";

const most = 1_000_000_000_000_000n;
const kinds = ["bytes_sec", "iops_sec"];
const directions = ["total", "read", "write"];

/** Refuses limits of a disk that do not fit together once these are set. `driver` is for the error. Throws VirError. */
export function checkBlockLimits(disk: Element, params: readonly TypedParam[], driver: ErrorDomain): void {
  const invalidArgument = (detail: string): VirError => VirError.of(ErrorCode.invalidArg, driver, detail);
  for (const { value } of params) {
    if (value.type !== "ullong" || value.value <= most) continue;
    const detail = `block I/O throttle limit value must be no more than ${most}`;
    throw VirError.of(ErrorCode.argumentUnsupported, driver, detail);
  }
  const limits = limitsAfter(disk, params);
  const of = (field: string): bigint => limits.get(field) ?? 0n;
  for (const group of kinds.flatMap((kind) => [kind, `${kind}_max`])) {
    if (of(`total_${group}`) !== 0n && (of(`read_${group}`) !== 0n || of(`write_${group}`) !== 0n)) {
      throw invalidArgument(`total and read/write of ${group} cannot be set at the same time`);
    }
  }
  for (const field of kinds.flatMap((kind) => directions.map((direction) => `${direction}_${kind}`))) {
    // The space at the end is libvirt's.
    if (of(field) > of(`${field}_max`)) throw invalidArgument(`${field} cannot be set higher than ${field}_max `);
  }
}

function limitsAfter(disk: Element, params: readonly TypedParam[]): ReadonlyMap<string, bigint> {
  const before = blockTunables.map(({ field, read }) => ({ field, value: read(disk) }));
  return new Map(
    [...before, ...params].flatMap(({ field, value }) => (value.type === "ullong" ? [[field, value.value]] : [])),
  );
}
