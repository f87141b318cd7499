import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { ObjectDefinition } from "../objects/managed-object.ts";
import { fillAttribute, fillUuid, formatObject, readRoot, removeChildren, type Schema } from "../objects/object-xml.ts";
import { arrange, placesOf } from "../objects/xml-places.ts";

const schema: Schema = {
  root: "network",
  domain: ErrorDomain.network,
  place: "network_definition",
  children: placesOf({
    network: (
      "name uuid title description metadata forward bridge mtu mac domain dns vlan bandwidth port ip route " +
      "virtualport portgroup"
    ).split(" "),
    dns: ["forwarder", "txt", "srv", "host"],
    ip: ["tftp", "dhcp"],
    dhcp: ["range", "host", "bootp"],
    bandwidth: ["inbound", "outbound"],
  }),
  attributes: placesOf({
    forward: ["dev", "mode", "managed"],
    bridge: ["name", "zone", "stp", "delay", "macTableManager"],
    ip: ["family", "address", "netmask", "prefix", "localPtr"],
    route: ["family", "address", "netmask", "prefix", "gateway", "metric"],
    inbound: ["average", "peak", "floor", "burst"],
  }),
  opened: ["ip", "portgroup"],
};

const modes = ["none", "nat", "route", "bridge", "private", "vepa", "passthrough", "hostdev", "open"];
/** Those of which libvirt makes the bridge. */
const ownBridge = ["none", "nat", "route", "open"];

/** Reads a definition and brings it to libvirt's form. Throws VirError. */
export function parseNetwork(xml: string): ObjectDefinition {
  return canonical(readRoot(xml, schema));
}

/** Another definition, changed by `edit`. */
export function changedNetwork({ root }: ObjectDefinition, edit: (root: Element) => void): ObjectDefinition {
  const copy = root.clone();
  edit(copy);
  return canonical(copy);
}

/** `connections`: how many guests are plugged into it; 0 is not shown. */
export function formatNetwork({ root }: ObjectDefinition, connections = 0): string {
  if (connections === 0) return formatObject(root, schema);
  const attributes = [...root.attributes, { name: "connections", value: String(connections) }];
  return formatObject(new Element(root.name, attributes, root.children, root.uri), schema);
}

function canonical(root: Element): ObjectDefinition {
  root.removeAttribute("connections");
  const name = readName(root);
  const uuid = fillUuid(root, ErrorCode.internalError, ErrorDomain.network);
  for (const ip of root.all("ip")) checkAddress(ip, name);
  const mode = fillForward(root, name);
  if (ownBridge.includes(mode)) fillBridge(root);
  for (const dhcp of root.all("ip").flatMap((ip) => ip.all("dhcp"))) {
    if (dhcp.elements().length === 0) for (const ip of root.all("ip")) removeChildren(ip, "dhcp");
  }
  arrange(root, schema.children, schema.attributes);
  return { name, uuid, root };
}

function readName(root: Element): string {
  const name = root.first("name")?.text ?? "";
  if (name === "") {
    const message = "missing name information";
    throw new VirError(message, { code: ErrorCode.noName, domain: ErrorDomain.network, str1: message });
  }
  const wrong = /[/\n]/.exec(name)?.[0];
  if (wrong === undefined) return name;
  throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.xml, `invalid char in name: ${wrong}`);
}

function checkAddress(ip: Element, name: string): void {
  const address = ip.attribute("address");
  if (address !== undefined && !/^[\da-f.:]+$/i.test(address))
    throw failure(ErrorCode.xmlError, `Invalid address '${address}' in network '${name}'`);
  if (ip.attribute("netmask") !== undefined && ip.attribute("prefix") !== undefined)
    throw failure(ErrorCode.configUnsupported, `Network '${name}' IP address cannot have both a prefix and a netmask`);
}

/** The way that packets leave; the first interface stands as an attribute too. Returns the mode. */
function fillForward(root: Element, name: string): string {
  const forward = root.first("forward");
  if (forward === undefined) return "none";
  fillAttribute(forward, "mode", "nat");
  const mode = forward.attribute("mode") ?? "nat";
  if (!modes.includes(mode)) throw failure(ErrorCode.configUnsupported, `unknown forwarding type '${mode}'`);
  if ((mode === "nat" || mode === "route") && root.first("ip") === undefined)
    throw failure(ErrorCode.xmlError, `${mode} forwarding requested, but no IP address provided for network '${name}'`);
  const dev = forward.attribute("dev") ?? forward.first("interface")?.attribute("dev");
  if (dev !== undefined) {
    fillAttribute(forward, "dev", dev);
    if (forward.first("interface") === undefined) forward.children.push(new Element("interface", { dev }));
  }
  return mode;
}

function fillBridge(root: Element): void {
  let bridge = root.first("bridge");
  if (bridge === undefined) {
    bridge = new Element("bridge");
    root.children.push(bridge);
  }
  fillAttribute(bridge, "stp", "on");
  fillAttribute(bridge, "delay", "0");
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.network, detail);
}
