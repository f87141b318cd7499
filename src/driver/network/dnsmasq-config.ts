import { countAddresses } from "./address.ts";
import type { DnsPlan, NetworkPlan, PlannedSubnet } from "./network-plan.ts";

/** Files of a network's dnsmasq. */
export interface DnsmasqFiles {
  readonly config: string;
  readonly pid: string;
  readonly leases: string;
}

/** A network without an address has nobody to ask or to answer. */
export function needsDnsmasq({ subnets, dns }: NetworkPlan): boolean {
  return subnets.some(({ dhcp, tftpRoot }) => dns.enabled || dhcp !== undefined || tftpRoot !== undefined);
}

/** What dnsmasq reads while it still may read everything: no other file is looked at later. */
export function dnsmasqConfig(plan: NetworkPlan, files: DnsmasqFiles): string {
  const { bridge, mode, dns, subnets } = plan;
  const isAdvertised = subnets.some(({ family, dhcp }) => family === 6 && dhcp !== undefined);
  const lines = [
    "# Written by virtwright when the network starts or changes.",
    "strict-order",
    `pid-file=${files.pid}`,
    "except-interface=lo",
    "bind-dynamic",
    `interface=${bridge}`,
    ...(dns.enabled ? dnsLines(dns) : ["port=0"]),
    // An isolated network names no way out: guests must not send there what is for their other network.
    ...(mode === "none"
      ? ["dhcp-option=3", ...(dns.forwarders.length === 0 ? ["no-resolv"] : []), "ra-param=*,0,0"]
      : []),
    ...subnets.flatMap((subnet) => subnetLines(subnet)),
    ...dhcpLines(subnets, files),
    ...(isAdvertised ? ["enable-ra"] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function dnsLines(dns: DnsPlan): string[] {
  const { domain, forwarders, hosts, texts, services } = dns;
  // expand-hosts is for names in files alone.
  const withDomain = (name: string): string[] =>
    domain === undefined || name.includes(".") ? [name] : [`${name}.${domain}`, name];
  return [
    ...(dns.forwardPlainNames ? [] : ["domain-needed"]),
    ...(domain !== undefined && dns.localOnly ? [`local=/${domain}/`] : []),
    ...(domain === undefined ? [] : [`domain=${domain}`, "expand-hosts"]),
    ...(forwarders.length === 0 ? [] : ["no-resolv"]),
    ...forwarders.map((each) => `server=${each.domain === undefined ? "" : `/${each.domain}/`}${each.address ?? "#"}`),
    ...hosts.map(({ ip, names }) => `host-record=${[...names.flatMap(withDomain), ip].join(",")}`),
    ...texts.map(({ name, value }) => `txt-record=${name},${value}`),
    ...services.map((each) => {
      const place = `_${each["service"]}._${each["protocol"]}${each["domain"] === undefined ? "" : `.${each["domain"]}`}`;
      const values = ["target", "port", "priority", "weight"].map((key) => each[key] ?? "");
      return `srv-host=${[place, ...values].join(",").replace(/,+$/, "")}`;
    }),
  ];
}

function subnetLines({ family, prefix, netmask, cidr, dhcp, tftpRoot }: PlannedSubnet): string[] {
  const width = family === 4 ? netmask : String(prefix);
  const boot = [dhcp?.bootFile, dhcp?.bootServer === undefined ? undefined : "", dhcp?.bootServer];
  return [
    ...(dhcp?.ranges ?? []).map(
      ({ start, end, lease }) =>
        `dhcp-range=${[start, end, width, lease].filter((part) => part !== undefined).join(",")}`,
    ),
    ...(dhcp !== undefined && dhcp.ranges.length === 0 ? [`dhcp-range=${cidr.replace(/\/.*/, "")},static`] : []),
    ...(dhcp?.hosts ?? []).map(({ mac, id, name, ip }) => {
      const who = family === 6 && id !== undefined ? `id:${id}` : mac;
      const address = family === 6 ? `[${ip}]` : ip;
      return `dhcp-host=${[who, name, address].filter((part) => part !== undefined).join(",")}`;
    }),
    ...(dhcp?.bootFile === undefined ? [] : [`dhcp-boot=${boot.filter((part) => part !== undefined).join(",")}`]),
    ...(tftpRoot === undefined ? [] : ["enable-tftp", `tftp-root=${tftpRoot}`]),
  ];
}

function dhcpLines(subnets: readonly PlannedSubnet[], files: DnsmasqFiles): string[] {
  const served = subnets.filter(({ dhcp }) => dhcp !== undefined);
  if (served.length === 0) return [];
  const ranges = served.flatMap(({ dhcp }) => dhcp?.ranges ?? []);
  const most = ranges.reduce((sum, { start, end }) => sum + (countAddresses(start, end) ?? 0), 0);
  const hosts = served.reduce((sum, { dhcp }) => sum + (dhcp?.hosts.length ?? 0), 0);
  const isOld = served.some(({ family }) => family === 4);
  return [
    "dhcp-no-override",
    ...(isOld ? ["dhcp-authoritative"] : []),
    `dhcp-lease-max=${most + hosts}`,
    `dhcp-leasefile=${files.leases}`,
  ];
}
