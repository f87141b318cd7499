import { bytesPer, memoryKib } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";

/** What on and off, yes and no say; undefined where nothing is said. Throws VirError. */
export function flag(element: Element | undefined, name: string): boolean | undefined {
  const value = element?.attribute(name);
  if (value === undefined) return undefined;
  if (value === "on" || value === "yes") return true;
  if (value === "off" || value === "no") return false;
  throw badValue(element, name);
}

/** As QEMU's OnOffAuto. */
export function onOff(value: boolean | undefined): "on" | "off" | undefined {
  return value === undefined ? undefined : value ? "on" : "off";
}

/** An unsigned number, decimal or 0x; undefined where there is none. Throws VirError. */
export function number(element: Element | undefined, name: string): number | undefined {
  const value = element?.attribute(name);
  if (value === undefined) return undefined;
  if (!/^(\d{1,16}|0x[0-9a-f]{1,13})$/i.test(value)) throw badValue(element, name);
  return Number(value);
}

/** The text of an element as an unsigned number. Throws VirError. */
export function numberIn(element: Element | undefined): number | undefined {
  const value = element?.text.trim();
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,16}$/.test(value)) throw failure(`Invalid value '${value}' for element '${element?.name}'`);
  return Number(value);
}

/** The text of the element at that path, trimmed; undefined when empty. */
export function textAt(element: Element | undefined, ...path: string[]): string | undefined {
  return element?.find(...path)?.text.trim() || undefined;
}

/** A size with a unit, in bytes; without a unit KiB. */
export function bytes(element: Element): number {
  return memoryKib(element, element.name) * 1024;
}

/** As `bytes`, of a number in an attribute beside its `unit`. */
export function bytesOf(element: Element, name = "value"): number {
  return (number(element, name) ?? 0) * Number(bytesPer(element.attribute("unit") ?? "KiB"));
}

/** For what QEMU could do and this driver does not, or QEMU cannot. */
export function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}

/** What the definition says is not possible. */
export function failure(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.qemu, detail);
}

/** The value when it is one of `known`; else throws VirError that names the element. */
export function oneOf<T extends string>(value: string, known: readonly T[], what: string): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw unsupported(`${what} '${value}' is not supported`);
  return found;
}

function badValue(element: Element | undefined, name: string): VirError {
  const detail = `Invalid value for attribute '${name}' in element '${element?.name}': '${element?.attribute(name)}'.`;
  return VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}
