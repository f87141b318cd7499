import { isIP } from "node:net";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import type { ObjectDefinition } from "../objects/managed-object.ts";
import { contains, countAddresses, type Subnet, subnetOf } from "./address.ts";

/** What a network gives out by DHCP in one of its subnets. */
export interface DhcpPlan {
  readonly ranges: readonly { readonly start: string; readonly end: string; readonly lease?: string }[];
  readonly hosts: readonly DhcpHost[];
  readonly bootFile?: string;
  readonly bootServer?: string;
}

export interface DhcpHost {
  readonly mac?: string;
  readonly id?: string;
  readonly name?: string;
  readonly ip: string;
}

export interface PlannedSubnet extends Subnet {
  readonly dhcp?: DhcpPlan;
  readonly tftpRoot?: string;
}

export interface DnsPlan {
  readonly enabled: boolean;
  readonly domain?: string;
  readonly localOnly: boolean;
  readonly forwarders: readonly { readonly domain?: string; readonly address?: string }[];
  readonly forwardPlainNames: boolean;
  readonly hosts: readonly { readonly ip: string; readonly names: readonly string[] }[];
  readonly texts: readonly { readonly name: string; readonly value: string }[];
  readonly services: readonly Readonly<Record<string, string>>[];
}

/** How packets leave. */
export type ForwardMode = "none" | "nat" | "route" | "open";

/** Addresses and ports that the guests have outside. */
export interface NatPlan {
  readonly address?: { readonly start: string; readonly end: string };
  readonly port: { readonly start: number; readonly end: number };
  readonly ipv6: boolean;
}

/** A definition as what is to be done on the machine. Whatever is in it may stand in a file or an argument. */
export interface NetworkPlan {
  readonly name: string;
  readonly uuid: string;
  readonly mode: ForwardMode;
  readonly devices: readonly string[];
  readonly bridge: string;
  readonly mac: string;
  readonly stp: boolean;
  readonly delaySeconds: number;
  readonly mtu?: number;
  readonly nat: NatPlan;
  readonly subnets: readonly PlannedSubnet[];
  readonly routes: readonly {
    readonly to: string;
    readonly family: 4 | 6;
    readonly via: string;
    readonly metric?: string;
  }[];
  readonly dns: DnsPlan;
}

const ownBridgeModes = ["none", "nat", "route", "open"];

/** Whether its bridge is ours to make. */
export function hasOwnBridge(definition: ObjectDefinition): boolean {
  return ownBridgeModes.includes(modeOf(definition));
}

function modeOf({ root }: ObjectDefinition): string {
  return root.first("forward")?.attribute("mode") ?? "none";
}

/**
 * Throws VirError over what cannot be, and over every text that could mean something else in a file of dnsmasq, in a rule
 * of nftables or as an option.
 */
export function planOf(definition: ObjectDefinition): NetworkPlan {
  const { root, name, uuid } = definition;
  const forward = root.first("forward");
  const bridge = root.first("bridge");
  const mtu = root.first("mtu")?.attribute("size");
  return {
    name,
    uuid,
    mode: modeOf(definition) as ForwardMode,
    devices: [...(forward?.all("interface") ?? [])].map((each) => device(each.attribute("dev") ?? "")),
    bridge: device(bridge?.attribute("name") ?? ""),
    mac: bridgeMac(root.first("mac")?.attribute("address") ?? "", name),
    stp: bridge?.attribute("stp") !== "off",
    delaySeconds: numberIn(bridge?.attribute("delay") ?? "0", 30, "bridge delay"),
    ...(mtu !== undefined && { mtu: numberIn(mtu, 65_535, "mtu") }),
    nat: natOf(forward?.first("nat")),
    subnets: root.all("ip").map((ip) => subnetPlan(ip, name)),
    routes: root.all("route").map((route) => routePlan(route, name)),
    dns: dnsPlan(root),
  };
}

function natOf(nat: Element | undefined): NatPlan {
  const address = nat?.first("address");
  const port = nat?.first("port");
  return {
    ...(address !== undefined && {
      address: { start: ipOf(address.attribute("start")), end: ipOf(address.attribute("end")) },
    }),
    port: {
      start: numberIn(port?.attribute("start") ?? "1024", 65_535, "port"),
      end: numberIn(port?.attribute("end") ?? "65535", 65_535, "port"),
    },
    ipv6: nat?.attribute("ipv6") === "yes",
  };
}

function subnetPlan(ip: Element, network: string): PlannedSubnet {
  const address = ip.attribute("address") ?? "";
  const subnet = subnetOf(address, ip.attribute("prefix"), ip.attribute("netmask"));
  if (subnet === undefined) throw wrong(`Invalid address, netmask or prefix of '${address}' in network '${network}'`);
  const dhcp = ip.first("dhcp");
  const root = ip.first("tftp")?.attribute("root");
  return {
    ...subnet,
    ...(dhcp !== undefined && { dhcp: dhcpPlan(dhcp, subnet) }),
    ...(root !== undefined && { tftpRoot: word(root, "tftp root") }),
  };
}

function dhcpPlan(dhcp: Element, subnet: Subnet): DhcpPlan {
  const bootp = dhcp.first("bootp");
  const [file, server] = [bootp?.attribute("file"), bootp?.attribute("server")];
  return {
    ranges: dhcp.all("range").map((range) => rangePlan(range, subnet)),
    hosts: dhcp.all("host").map(hostPlan),
    ...(file !== undefined && { bootFile: word(file, "bootp file") }),
    ...(server !== undefined && { bootServer: word(server, "bootp server") }),
  };
}

function rangePlan(range: Element, subnet: Subnet): DhcpPlan["ranges"][number] {
  const [start, end] = [ipOf(range.attribute("start")), ipOf(range.attribute("end"))];
  for (const each of [start, end]) {
    if (contains(subnet, each)) continue;
    throw internal(`range ${start} - ${end} is not entirely within network ${subnet.address}/${subnet.prefix}`);
  }
  if (countAddresses(start, end) === undefined) throw internal(`range ${start} - ${end} is reversed `);
  const lease = range.first("lease");
  if (lease === undefined) return { start, end };
  const count = numberIn(lease.attribute("expiry") ?? "0", 0xffff_ffff, "lease expiry");
  const unit = { seconds: "s", minutes: "m", hours: "h" }[lease.attribute("unit") ?? "minutes"];
  return { start, end, lease: count === 0 ? "infinite" : `${count}${unit ?? "m"}` };
}

function hostPlan(host: Element): DhcpHost {
  const [mac, id, name] = [host.attribute("mac"), host.attribute("id"), host.attribute("name")];
  return {
    ip: ipOf(host.attribute("ip")),
    ...(mac !== undefined && { mac: macOf(mac) }),
    ...(id !== undefined && { id: match(id, /^(\d|[a-f]|:)+$/i, "DHCP client id") }),
    ...(name !== undefined && { name: hostName(name) }),
  };
}

function routePlan(route: Element, network: string): NetworkPlan["routes"][number] {
  const address = route.attribute("address") ?? "";
  const subnet = subnetOf(address, route.attribute("prefix"), route.attribute("netmask"));
  if (subnet === undefined) throw wrong(`Invalid route to '${address}' in network '${network}'`);
  const metric = route.attribute("metric");
  return {
    to: subnet.cidr,
    family: subnet.family,
    via: ipOf(route.attribute("gateway")),
    ...(metric !== undefined && { metric: String(numberIn(metric, 0xffff_ffff, "route metric")) }),
  };
}

function dnsPlan(root: Element): DnsPlan {
  const dns = root.first("dns");
  const domain = root.first("domain");
  const name = domain?.attribute("name");
  return {
    enabled: dns?.attribute("enable") !== "no",
    ...(name !== undefined && { domain: hostName(name) }),
    localOnly: domain?.attribute("localOnly") === "yes",
    forwardPlainNames: dns?.attribute("forwardPlainNames") !== "no",
    forwarders: (dns?.all("forwarder") ?? []).map((each) => {
      const [own, address] = [each.attribute("domain"), each.attribute("addr")];
      return {
        ...(own !== undefined && { domain: hostName(own) }),
        ...(address !== undefined && { address: ipOf(address) }),
      };
    }),
    hosts: (dns?.all("host") ?? []).map((each) => ({
      ip: ipOf(each.attribute("ip")),
      names: each.all("hostname").map(({ text }) => hostName(text)),
    })),
    texts: (dns?.all("txt") ?? []).map((each) => ({
      name: hostName(each.attribute("name") ?? ""),
      value: match(each.attribute("value") ?? "", /^[^\n\r"\\,]*$/, "DNS TXT value"),
    })),
    services: (dns?.all("srv") ?? []).map((each) => servicePlan(each)),
  };
}

function servicePlan(service: Element): Readonly<Record<string, string>> {
  const plain = ["service", "protocol", "domain", "target", "port", "priority", "weight"].flatMap((key) => {
    const value = service.attribute(key);
    return value === undefined ? [] : [[key, match(value, /^[\w.-]+$/, `DNS SRV ${key}`)] as const];
  });
  return Object.fromEntries(plain);
}

/** A name that the kernel and nftables both take for a device. Throws VirError. */
export function device(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name)) return name;
  throw VirError.of(ErrorCode.xmlError, ErrorDomain.network, `'${name}' cannot be the name of a network device`);
}

function bridgeMac(text: string, network: string): string {
  if (!macPattern.test(text)) throw wrong(`Invalid bridge mac address '${text}' in network '${network}'`);
  return macOf(text);
}

const macPattern = /^[\da-f]{1,2}([:-][\da-f]{1,2}){5}$/i;

/** In lower case. Throws VirError. */
export function macOf(text: string): string {
  if (!macPattern.test(text)) throw invalidMac(text);
  const bytes = text.split(/[:-]/);
  return bytes.map((byte) => byte.toLowerCase().padStart(2, "0")).join(":");
}

export function invalidMac(text: string): VirError {
  const fields = {
    code: ErrorCode.invalidMac,
    domain: ErrorDomain.network,
    str1: "invalid MAC address: %s",
    str2: text,
  };
  return new VirError(`invalid MAC address: ${text}`, fields);
}

function ipOf(text: string | undefined): string {
  if (text !== undefined && isIP(text) !== 0 && !text.includes("%")) return text;
  throw wrong(`'${text ?? ""}' is not an IP address`);
}

function hostName(text: string): string {
  return match(text, /^[A-Za-z0-9_][\w.-]{0,254}$/, "host name");
}

/** Something that goes into one line of dnsmasq's file, and is neither its list nor its end. */
function word(text: string, what: string): string {
  return match(text, /^[\w./:@+=-]+$/, what);
}

function match(text: string, pattern: RegExp, what: string): string {
  if (pattern.test(text)) return text;
  throw wrong(`'${text}' cannot be a ${what} here`);
}

function numberIn(text: string, most: number, what: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
  throw wrong(`'${text}' cannot be a ${what}`);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.network, detail);
}

function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.network, detail);
}
