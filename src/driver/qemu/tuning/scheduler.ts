import { ErrorCode, ErrorDomain, type TypedParam, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { tuneOf } from "../../tuning/cpu-map.ts";
import type { Tunable } from "../../tuning/tunables.ts";

/** Each parameter, and the element of `<cputune>` where it stands. */
const fields: readonly (readonly [field: string, element: string, type: "ullong" | "llong"])[] = [
  ["cpu_shares", "shares", "ullong"],
  ["vcpu_period", "period", "ullong"],
  ["vcpu_quota", "quota", "llong"],
  ["emulator_period", "emulator_period", "ullong"],
  ["emulator_quota", "emulator_quota", "llong"],
  ["global_period", "global_period", "ullong"],
  ["global_quota", "global_quota", "llong"],
  ["iothread_period", "iothread_period", "ullong"],
  ["iothread_quota", "iothread_quota", "llong"],
];

/** Shares and limits of the host's CPUs; 0 is what is not set. */
export const schedulerTunables: readonly Tunable[] = fields.map(([field, name, type]) => ({
  field,
  read: (domain) => ({ type, value: BigInt(domain.find("cputune", name)?.text.trim() || "0") }),
  write: (domain, { value }) => setIn(tuneOf(domain), name, String(value)),
}));

function setIn(tune: Element, name: string, value: string): void {
  const known = tune.first(name);
  if (known !== undefined) known.setText(value);
  else tune.children.push(Element.leaf(name, value));
}

const period = [1000n, 1_000_000n] as const;
const quota = [1000n, 18_446_744_073_709_551n] as const;

/** Refuses what Linux would. Throws VirError. */
export function checkSchedulerRanges(params: readonly TypedParam[]): void {
  for (const { field, value } of params) {
    const range = field.endsWith("_period") ? period : field.endsWith("_quota") ? quota : undefined;
    if (range === undefined) continue;
    const number = BigInt(value.value as bigint);
    // No limit, and as it was.
    const isSpecial = number === 0n || (range === quota && number < 0n);
    if (isSpecial || (number >= range[0] && number <= range[1])) continue;
    const detail = `value of '${field}' is out of range [${range[0]}, ${range[1]}]`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
  }
}

/**
 * Refuses a guest whose CPUs are to be limited: that takes a control group, and none has one. Shares are no limit, and
 * without control groups libvirt does not mind them either. Throws VirError.
 */
export function checkNoCpuLimits(root: Element): void {
  const tune = root.first("cputune");
  const limits = fields.filter(([, name]) => name.endsWith("period") || name.endsWith("quota"));
  if (limits.every(([, name]) => BigInt(tune?.first(name)?.text.trim() || "0") === 0n)) return;
  const detail = "cgroup cpu is required for scheduler tuning";
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
