import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/** An amount of memory or disk: bytes, or a number with its unit: "2GiB", "512 MiB", "10GB". */
export type Size = bigint | number | string;

const powers = ["", "k", "m", "g", "t", "p", "e"];

/** In bytes. Throws VirError (invalidArg). */
export function bytesOf(size: Size): bigint {
  if (typeof size === "bigint" && size >= 0n) return size;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return BigInt(size);
  const {
    number,
    prefix = "",
    rest = "",
  } = /^\s*(?<number>\d+)\s*(?<prefix>[kmgtpe]?)(?<rest>i?b(?:ytes)?)?\s*$/i.exec(String(size))?.groups ?? {};
  if (number === undefined) {
    const detail = `${String(size)} is no size: write it as in "2GiB"`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail);
  }
  // As libvirt has it: "k" and "KiB" are 1024, "kB" is 1000.
  const isDecimal = rest.toLowerCase() === "b" && prefix !== "";
  return BigInt(number) * (isDecimal ? 1000n : 1024n) ** BigInt(powers.indexOf(prefix.toLowerCase()));
}

/** In libvirt's own unit, rounded up. */
export function kibOf(size: Size): bigint {
  return (bytesOf(size) + 1023n) / 1024n;
}
