import { BlockList, isIP } from "node:net";

/** An address of a network's bridge, and the subnet that it stands in. */
export interface Subnet {
  readonly family: 4 | 6;
  /** The bridge's own. */
  readonly address: string;
  readonly prefix: number;
  /** The subnet as `10.0.0.0/24`. */
  readonly cidr: string;
  /** Absent in IPv6. */
  readonly netmask?: string;
  readonly broadcast?: string;
}

/** undefined where `address` is none, or the prefix or netmask is none for it. Without either, IPv4 goes by its class. */
export function subnetOf(address: string, prefixText?: string, netmask?: string): Subnet | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  const prefix = prefixOf(family, address, prefixText, netmask);
  if (prefix === undefined) return undefined;
  if (family === 6) return { family, address, prefix, cidr: `${networkV6(address, prefix)}/${prefix}` };
  const mask = maskOf(prefix);
  const base = (numberOf(address) & mask) >>> 0;
  return {
    family: 4,
    address,
    prefix,
    cidr: `${textOf(base)}/${prefix}`,
    netmask: textOf(mask),
    broadcast: textOf((base | ~mask) >>> 0),
  };
}

function prefixOf(family: number, address: string, prefix?: string, netmask?: string): number | undefined {
  const most = family === 4 ? 32 : 128;
  if (prefix !== undefined) return /^\d{1,3}$/.test(prefix) && Number(prefix) <= most ? Number(prefix) : undefined;
  if (netmask !== undefined) return family === 4 && isIP(netmask) === 4 ? lengthOf(numberOf(netmask)) : undefined;
  if (family === 6) return 64;
  const first = Number(address.split(".")[0]);
  if (first < 128) return 8;
  return first < 192 ? 16 : 24;
}

/** Whether `address` is in the subnet. */
export function contains({ family, address: own, prefix }: Subnet, address: string): boolean {
  if (isIP(address) !== family) return false;
  const list = new BlockList();
  list.addSubnet(own, prefix, family === 4 ? "ipv4" : "ipv6");
  return list.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** How many addresses from one to the other, at most 65,535; undefined when the second comes first. */
export function countAddresses(start: string, end: string): number | undefined {
  const [first, last] = [wideNumberOf(start), wideNumberOf(end)];
  if (first === undefined || last === undefined || last < first) return undefined;
  const count = last - first + 1n;
  return count > 65_535n ? 65_535 : Number(count);
}

export function numberOf(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

export function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
}

/** undefined for one with holes. */
function lengthOf(mask: number): number | undefined {
  const prefix = Math.clz32(~mask >>> 0);
  return maskOf(prefix) === mask ? prefix : undefined;
}

function wideNumberOf(address: string): bigint | undefined {
  if (isIP(address) === 4) return BigInt(numberOf(address));
  if (isIP(address) !== 6) return undefined;
  return groupsOf(address).reduce((number, group) => (number << 16n) | BigInt(group), 0n);
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = (text: string): number[] => (text === "" ? [] : text.split(":").flatMap(groupOf));
  const [front, back] = [groups(head), groups(tail ?? "")];
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

function groupOf(part: string): number[] {
  if (!part.includes(".")) return [Number.parseInt(part, 16)];
  const number = numberOf(part);
  return [number >>> 16, number & 0xffff];
}

function networkV6(address: string, prefix: number): string {
  const kept = groupsOf(address).map((group, at) => {
    const bits = Math.min(16, Math.max(0, prefix - at * 16));
    return group & (0xffff << (16 - bits)) & 0xffff;
  });
  const text = kept.map((group) => group.toString(16)).join(":");
  // The longest way to write an address is one, and nobody has to shorten it.
  return text;
}
