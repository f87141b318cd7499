import { randomBytes, randomUUID } from "node:crypto";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { Element as XmlElement } from "../../../xml/index.ts";
import { ensure, remove, setDefault } from "../../objects/element-edit.ts";

/** Fills in what libvirt's QEMU driver fills in at an interface. Throws VirError. */
export function completeInterface(device: Element): void {
  const mac = device.first("mac");
  if (mac === undefined) device.children.unshift(new XmlElement("mac", { address: newMac() }));
  else mac.setAttribute("address", normalMac(mac.attribute("address") ?? ""));
  const type = device.attribute("type") ?? "ethernet";
  if (type !== "hostdev") setDefault(ensure(device, "model"), "type", "rtl8139");
  if (type === "direct") setDefault(ensure(device, "source"), "mode", "vepa");
  const source = device.first("source");
  if (source !== undefined && source.attributes.length === 0 && source.elements().length === 0) remove(device, source);
  dropMadeName(device);
  const port = device.first("virtualport");
  if (type !== "bridge" || port?.attribute("type") !== "openvswitch") return;
  setDefault(ensure(port, "parameters"), "interfaceid", randomUUID());
}

/** The name that a run made up for the host's side is no part of what the guest is to be. */
export function dropMadeName(device: Element): void {
  const target = device.first("target");
  if (target?.attribute("dev")?.startsWith("vnet") !== true || target.attribute("managed") === "no") return;
  target.removeAttribute("dev");
  if (target.attributes.length === 0) remove(device, target);
}

/** In the range that is QEMU's. */
function newMac(): string {
  const own = [...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0"));
  return ["52", "54", "00", ...own].join(":");
}

function normalMac(text: string): string {
  const parts = text.trim().split(":");
  if (parts.length !== 6 || !parts.every((part) => /^[\da-f]{1,2}$/i.test(part))) {
    throw wrong(`unable to parse mac address '${text}'`);
  }
  const bytes = parts.map((part) => Number.parseInt(part, 16));
  if (((bytes[0] ?? 0) & 1) !== 0) throw wrong(`expected unicast mac address, found multicast '${text}'`);
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}
