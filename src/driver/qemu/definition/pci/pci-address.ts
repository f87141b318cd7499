import { ErrorCode, ErrorDomain, VirError } from "../../../../protocol/index.ts";
import { Element } from "../../../../xml/index.ts";
import { readNumber } from "../../../objects/element-edit.ts";

/** Where a function of a PCI device is. */
export interface PciAddress {
  readonly domain: number;
  readonly bus: number;
  readonly slot: number;
  readonly function: number;
}

const limits = { domain: 0xffff, bus: 0xff, slot: 0x1f, function: 7 } as const;
const digits = { domain: 4, bus: 2, slot: 2, function: 1 } as const;
const parts = ["domain", "bus", "slot", "function"] as const;

export function pciAddress(bus: number, slot: number, func = 0): PciAddress {
  return { domain: 0, bus, slot, function: func };
}

/** The address in an element's attributes; undefined where it has none of them. Throws VirError. */
export function readPciAddress(element: Element): PciAddress | undefined {
  if (!parts.some((part) => element.attribute(part) !== undefined)) return undefined;
  const [domain, bus, slot, func] = parts.map((part) => {
    const text = element.attribute(part);
    const value = text === undefined ? 0 : readNumber(text);
    if (value === undefined) throw wrong(`Invalid value for attribute '${part}' in element 'address': '${text}'.`);
    if (value > limits[part]) {
      const [hex, most] = [value, limits[part]].map((each) => `0x${each.toString(16).toUpperCase()}`);
      const detail = `Invalid PCI address ${part}='${hex?.toLowerCase()}', must be <= ${most}`;
      throw VirError.of(ErrorCode.xmlError, ErrorDomain.none, detail);
    }
    return value;
  });
  return { domain: domain ?? 0, bus: bus ?? 0, slot: slot ?? 0, function: func ?? 0 };
}

/** "0000:00:1f.2", for messages. */
export function describePciAddress(address: PciAddress): string {
  const [domain, bus, slot, func] = parts.map((part) => address[part].toString(16).padStart(digits[part], "0"));
  return `${domain}:${bus}:${slot}.${func}`;
}

/** Writes the address into an element's attributes, as libvirt does. */
export function writePciAddress(element: Element, address: PciAddress): void {
  for (const part of parts) {
    element.setAttribute(part, `0x${address[part].toString(16).padStart(digits[part], "0")}`);
  }
}

/** The PCI address of a device; undefined when it has none, or one of another kind. */
export function pciAddressOf(device: Element): PciAddress | undefined {
  const element = device.first("address");
  return element?.attribute("type") === "pci" ? readPciAddress(element) : undefined;
}

/** Whether a device that can have a PCI address still needs one. */
export function wantsPciAddress(device: Element): boolean {
  const element = device.first("address");
  if (element === undefined) return true;
  return element.attribute("type") === "pci" && readPciAddress(element) === undefined;
}

export function setPciAddress(device: Element, address: PciAddress): void {
  let element = device.first("address");
  if (element === undefined) {
    element = new Element("address", { type: "pci" });
    device.children.push(element);
  }
  const multifunction = element.attribute("multifunction");
  element.removeAttribute("multifunction");
  writePciAddress(element, address);
  if (multifunction !== undefined) element.setAttribute("multifunction", multifunction);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}
