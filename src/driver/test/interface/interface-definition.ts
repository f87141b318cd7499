import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { formatObject, readRoot, type Schema } from "../../objects/object-xml.ts";
import { arrange, placesOf } from "../../objects/xml-places.ts";

/** A network interface of the host, as it is configured. */
export interface InterfaceDefinition {
  readonly name: string;
  /** Empty where none is given. */
  readonly mac: string;
  readonly root: Element;
}

const schema: Schema = {
  root: "interface",
  domain: ErrorDomain.interface,
  place: "interface_definition",
  children: placesOf({ interface: ["start", "mtu", "protocol", "bridge", "bond", "vlan", "mac"] }),
  attributes: placesOf({ interface: ["type", "name"] }),
  opened: ["interface(?= type)"],
};

/** The interface that libvirt's test hypervisor has at first. */
export const defaultInterface = `
<interface type='ethernet' name='eth1'>
  <start mode='onboot'/>
  <mac address='aa:bb:cc:dd:ee:ff'/>
  <mtu size='1492'/>
  <protocol family='ipv4'>
    <ip address='192.168.0.5' prefix='24'/>
    <route gateway='192.168.0.1'/>
  </protocol>
</interface>
`;

/** Reads a definition and brings it to libvirt's form. Throws VirError. */
export function parseInterface(xml: string): InterfaceDefinition {
  const root = readRoot(xml, schema);
  const type = readType(root);
  const name = root.attribute("name");
  if (name === undefined) throw failure("interface has no name");
  const mode = root.first("start")?.attribute("mode");
  if (mode !== undefined && !["onboot", "none", "hotplug"].includes(mode))
    throw failure(`unknown interface startmode ${mode}`);
  if (type !== "ethernet" && root.first(type) === undefined)
    throw failure(`${type} interface misses the ${type} element`);
  arrange(root, schema.children, schema.attributes);
  return { name, mac: root.first("mac")?.attribute("address") ?? "", root };
}

export function formatInterface({ root }: InterfaceDefinition): string {
  return formatObject(root, schema);
}

function readType(root: Element): string {
  const type = root.attribute("type");
  if (type === undefined)
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, "Missing required attribute 'type' in element 'interface'");
  if (["ethernet", "bridge", "bond", "vlan"].includes(type)) return type;
  const detail = `Invalid value for attribute 'type' in element 'interface': '${type}'.`;
  throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.interface, detail);
}
