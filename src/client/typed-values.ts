import { ErrorCode, ErrorDomain, type TypedParam, type TypedValue, VirError } from "../protocol/index.ts";

/** The value of a typed parameter: 64 bit as `bigint`, 32 bit and floating point as `number`. */
export type ParamValue = number | bigint | boolean | string;

/** Typed parameters by name: `{ cpu_shares: 1024n }`. */
export type ParamValues = Readonly<Record<string, ParamValue>>;

/** Typed parameters to be sent. libvirt wants the exact type; where it does not follow, say it: `{ type: "llong", value: -1n }`. A list is one name several times. */
export type ParamsInput = Readonly<Record<string, ParamValue | TypedValue | readonly (ParamValue | TypedValue)[]>>;

/** What libvirt has by these names is 64 bit, though people write small numbers. */
const long: readonly (readonly [RegExp, "llong" | "ullong"])[] = [
  [/_(quota|slice)$/, "llong"],
  [
    /^(cpu_shares|hard_limit|soft_limit|min_guarantee|swap_hard_limit|bandwidth|memory_.*|.*_(period|sec|sec_max|size))$/,
    "ullong",
  ],
];

/** A list as an object. Of a name that comes several times the last one counts. */
export function fromParams(params: readonly TypedParam[]): ParamValues {
  return Object.fromEntries(params.map(({ field, value }) => [field, value.value]));
}

/** Throws VirError (invalidArg) for what no type of libvirt's can hold. */
export function toParams(values: ParamsInput): TypedParam[] {
  return Object.entries(values).flatMap(([field, value]) => {
    const each: readonly (ParamValue | TypedValue)[] = isList(value) ? value : [value];
    return each.map((one) => ({ field, value: toTyped(field, one) }));
  });
}

function isList(value: ParamsInput[string]): value is readonly (ParamValue | TypedValue)[] {
  return Array.isArray(value);
}

function toTyped(field: string, value: ParamValue | TypedValue): TypedValue {
  if (typeof value === "object") return value;
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "boolean", value };
  const type = long.find(([pattern]) => pattern.test(field))?.[1];
  if (typeof value === "bigint") return { type: value < 0n ? "llong" : (type ?? "ullong"), value };
  if (!Number.isInteger(value)) return { type: "double", value };
  if (type !== undefined && Number.isSafeInteger(value)) return { type, value: BigInt(value) };
  if (value >= 0 && value <= 0xffff_ffff) return { type: "uint", value };
  if (value < 0 && value >= -0x8000_0000) return { type: "int", value };
  const detail = `${field}: ${value} has more than 32 bits: give it as a bigint`;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.remote, detail);
}
