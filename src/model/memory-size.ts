import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import type { Element } from "../xml/index.ts";

const decimal = ["b", "kb", "mb", "gb", "tb", "pb", "eb"];
const binary = ["bytes", "kib", "mib", "gib", "tib", "pib", "eib"];
const short = ["", "k", "m", "g", "t", "p", "e"];

/**
 * The size that an element such as `<memory unit='MiB'>` gives, in KiB, rounded up; KiB where no unit is given. `path`
 * is the element's for messages.
 */
export function memoryKib(element: Element, path: string): number {
  const value = element.text.trim();
  if (!/^\d+$/.test(value) || BigInt(value) >= 2n ** 64n) {
    throw VirError.of(
      ErrorCode.xmlError,
      ErrorDomain.xml,
      `Invalid value '${value}' for element or attribute '${path}'`,
    );
  }
  const kib = Number((BigInt(value) * bytesPer(element.attribute("unit") ?? "KiB") + 1023n) / 1024n);
  if (kib <= Number.MAX_SAFE_INTEGER) return kib;
  const detail = `value too large: ${value}${element.attribute("unit") ?? ""}`;
  throw VirError.of(ErrorCode.overflow, ErrorDomain.none, detail);
}

/** Bytes in a unit: "KiB", "kB", "k". Throws VirError. */
export function bytesPer(unit: string): bigint {
  const name = unit.toLowerCase();
  const power = binary.indexOf(name);
  if (power >= 0) return 1024n ** BigInt(power);
  if (short.includes(name)) return 1024n ** BigInt(short.indexOf(name));
  if (decimal.includes(name)) return 1000n ** BigInt(decimal.indexOf(name));
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, `unknown suffix '${unit}'`);
}
