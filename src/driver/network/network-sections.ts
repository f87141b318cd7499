import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import { fillChild } from "../objects/object-xml.ts";

/** Entries of a kind in a network that can be added and removed one by one. */
export interface NetworkSection {
  readonly element: string;
  /** Where the entries stand. Throws VirError. */
  readonly parent: (root: Element, parentIndex: number, network: string) => Element;
  /** Whether the one that is there is the other, which a client has given. */
  readonly isSame: (one: Element, other: Element) => boolean;
  /** Why one cannot be exchanged; absent where it can. */
  readonly fixed?: string;
  /** Whether that is said before the entry is read. */
  readonly isRefusedUnread?: boolean;
  /** Throws VirError when something is missing; what is only to be found and removed may have less. */
  readonly check: (entry: Element, network: string, isRemoval: boolean) => void;
  /** libvirt's words for an entry that is there already, and for one that is not. */
  readonly existing: (entry: Element, network: string) => string;
  readonly missing: (entry: Element, network: string, command: "modify" | "delete") => string;
}

/** A section by its number in virNetworkUpdateSection: its name alone when it cannot be updated. */
export function networkSection(number: number): NetworkSection | string | undefined {
  return sections[number - 1];
}

const host: NetworkSection = {
  element: "host",
  parent: findDhcp,
  isSame: (one, other) => ["mac", "name", "ip"].some((key) => shares(one, other, key)),
  check: (entry, network, isRemoval) => {
    if (!has(entry, "mac") && !has(entry, "name")) {
      const detail = `Static host definition in IPv4 network '${network}' must have mac or name attribute`;
      throw failure(ErrorCode.xmlError, detail);
    }
    if (isRemoval || has(entry, "ip")) return;
    const detail = `Missing IP address in static host definition for network '${network}'`;
    throw failure(ErrorCode.xmlError, detail);
  },
  existing: (entry, network) => {
    const shown = `mac='${value(entry, "mac")}' name='${value(entry, "name")}' ip='${value(entry, "ip")}'`;
    return `there is an existing dhcp host entry in network '${network}' that matches "<host ${shown}/>"`;
  },
  missing: (entry, network, command) => {
    if (command === "delete") return `couldn't locate a matching dhcp host entry in network '${network}'`;
    const shown = ["mac", "name", "ip"].map((key) => `"${key}='${value(entry, key)}'"`).join(" ");
    return `couldn't locate an existing dhcp host entry with ${shown} in network '${network}'`;
  },
};

const range: NetworkSection = {
  element: "range",
  parent: findDhcp,
  isSame: (one, other) => ["start", "end"].every((key) => shares(one, other, key)),
  check: (entry, network) => {
    for (const key of ["start", "end"]) {
      if (has(entry, key)) continue;
      throw failure(ErrorCode.xmlError, `Missing '${key}' attribute in dhcp range for network '${network}'`);
    }
  },
  fixed: "dhcp ranges cannot be modified, only added or deleted",
  existing: (entry, network) => {
    const shown = `start='${value(entry, "start")}' end='${value(entry, "end")}'`;
    return `there is an existing dhcp range entry in network '${network}' that matches "<range ${shown}/>"`;
  },
  missing: (_, network) => `couldn't locate a matching dhcp range entry in network '${network}'`,
};

const forwardInterface: NetworkSection = {
  element: "interface",
  parent: (root) => fillChild(root, "forward"),
  isSame: (one, other) => shares(one, other, "dev"),
  check: (entry) => {
    if (!has(entry, "dev")) throw failure(ErrorCode.xmlError, "missing dev attribute in <interface> element");
  },
  fixed: "forward interface entries cannot be modified, only added or deleted",
  existing: (entry, network) =>
    `there is an existing interface entry in network '${network}' that matches "<interface dev='${value(entry, "dev")}'>"`,
  missing: (entry, network) =>
    `couldn't find an interface entry in network '${network}' matching <interface dev='${value(entry, "dev")}'>`,
};

const portgroup: NetworkSection = {
  element: "portgroup",
  parent: (root) => root,
  isSame: (one, other) => shares(one, other, "name"),
  check: (entry) => {
    if (!has(entry, "name")) throw failure(ErrorCode.xmlError, "Missing required name attribute in portgroup");
  },
  existing: (entry, network) =>
    `there is an existing portgroup entry in network '${network}' that matches "<portgroup name='${value(entry, "name")}'>"`,
  missing: (entry, network) =>
    `couldn't find a portgroup entry in network '${network}' matching <portgroup name='${value(entry, "name")}'>`,
};

const dnsHost = dnsRecord(
  "host",
  ["ip"],
  checkDnsHost,
  (_, network) => `there is already at least one DNS HOST record with a matching field in network ${network}`,
);
const dnsText = dnsRecord(
  "txt",
  ["name"],
  checkDnsText,
  (entry, network) => `there is already a DNS TXT record with name '${value(entry, "name")}' in network ${network}`,
);
const dnsService = dnsRecord(
  "srv",
  ["service", "protocol", "domain", "target", "port", "priority", "weight"],
  checkDnsService,
  (_, network) => `there is already at least one DNS SRV record matching all specified fields in network ${network}`,
);

const sections: readonly (NetworkSection | string)[] = [
  "bridge",
  "domain",
  "ip",
  host,
  range,
  "forward",
  forwardInterface,
  "forward pf",
  portgroup,
  dnsHost,
  dnsText,
  dnsService,
];

function dnsRecord(
  element: string,
  keys: readonly string[],
  check: NetworkSection["check"],
  existing: NetworkSection["existing"],
): NetworkSection {
  const noun = `DNS ${element.toUpperCase()}`;
  return {
    element,
    parent: (root) => fillChild(root, "dns"),
    isSame: (one, other) => {
      const said = keys.filter((key) => has(other, key));
      return said.length > 0 && said.every((key) => shares(one, other, key));
    },
    fixed: `${noun} records cannot be modified, only added or deleted`,
    isRefusedUnread: true,
    check,
    existing,
    missing: (_, network) => `couldn't locate a matching ${noun} record in network ${network}`,
  };
}

function checkDnsHost(entry: Element, network: string, isRemoval: boolean): void {
  const names = entry.all("hostname");
  const record = `in network '${network}' DNS HOST record`;
  if (!isRemoval && !has(entry, "ip")) throw failure(ErrorCode.xmlDetail, `Missing IP address ${record}`);
  if (!isRemoval && names.every(({ text }) => text === "")) {
    throw failure(ErrorCode.xmlDetail, `Missing hostname ${record}`);
  }
  if (names.length === 0 && !has(entry, "ip")) {
    throw failure(ErrorCode.xmlDetail, `Missing ip and hostname ${record}`);
  }
}

function checkDnsText(entry: Element, network: string, isRemoval: boolean): void {
  const name = entry.attribute("name");
  if (name === undefined) {
    const detail = `missing required name attribute in DNS TXT record of network ${network}`;
    throw failure(ErrorCode.xmlDetail, detail);
  }
  if (/[ ,]/.test(name)) {
    throw failure(ErrorCode.xmlDetail, `prohibited character in DNS TXT record name '${name}' of network ${network}`);
  }
  if (isRemoval || has(entry, "value")) return;
  const detail = `missing required value attribute in DNS TXT record named '${name}' of network ${network}`;
  throw failure(ErrorCode.xmlDetail, detail);
}

function checkDnsService(entry: Element, network: string, isRemoval: boolean): void {
  if (isRemoval) return;
  const service = entry.attribute("service");
  if (service === undefined) {
    const detail = `missing required service attribute in DNS SRV record of network '${network}'`;
    throw failure(ErrorCode.xmlDetail, detail);
  }
  if (has(entry, "protocol")) return;
  const detail = `missing required protocol attribute in DNS SRV record '${service}' of network '${network}'`;
  throw failure(ErrorCode.xmlDetail, detail);
}

/** In the ip element that is asked for, or else in the first that has one, or in the first there is. */
function findDhcp(root: Element, parentIndex: number, network: string): Element {
  const ips = root.all("ip");
  const ip = parentIndex >= 0 ? ips[parentIndex] : (ips.find((each) => each.first("dhcp") !== undefined) ?? ips[0]);
  if (ip !== undefined) return fillChild(ip, "dhcp");
  const place = parentIndex >= 0 ? `at index ${parentIndex} in network '${network}'` : "in network";
  const detail = `couldn't update dhcp host entry - no <ip> element found ${place}`;
  throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.network, detail);
}

function has(entry: Element, key: string): boolean {
  return entry.attribute(key) !== undefined;
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.network, detail);
}

function value(entry: Element, key: string): string {
  return entry.attribute(key) ?? "(null)";
}

function shares(one: Element, other: Element, key: string): boolean {
  return one.attribute(key) !== undefined && one.attribute(key) === other.attribute(key);
}
