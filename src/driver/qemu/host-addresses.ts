import { readFileSync } from "node:fs";
import type { Definition } from "../../model/index.ts";
import type { Networks } from "../network/networks.ts";
import { devicesOf } from "./devices-of.ts";

/** An interface of a guest, as it goes over the wire. */
export interface GuestInterface {
  readonly name: string;
  readonly hwaddr: string | null;
  readonly addrs: readonly { readonly type: number; readonly addr: string; readonly prefix: number }[];
}

/** What the networks that a guest is plugged into have given it. */
export type LeaseSource = (definition: Definition) => Promise<readonly GuestInterface[]>;

/** Without networks of ours nobody has given anything. */
export function leaseSource(networks: Networks | undefined): LeaseSource {
  return async (definition) => {
    const now = Math.floor(Date.now() / 1000);
    const found: GuestInterface[] = [];
    for (const { name, mac, network } of cards(definition)) {
      const own = networks?.all.find((each) => each.name === network);
      if (networks === undefined || own === undefined) continue;
      const leases = await networks.leasesOf(own, mac, now);
      const addrs = leases.map(({ type, ipaddr, prefix }) => ({ type, addr: ipaddr, prefix }));
      if (addrs.length > 0) found.push({ name, hwaddr: mac, addrs });
    }
    return found;
  };
}

/** What the host has heard of a guest's cards by itself. */
export function neighboursOf(definition: Definition): GuestInterface[] {
  const lines = readFileSync("/proc/net/arp", "latin1").split("\n").slice(1);
  const known = lines.map((line) => line.split(/ +/)).filter(({ length }) => length >= 6);
  return cards(definition).flatMap(({ name, mac }) => {
    const own = known.filter(([, , , address]) => address === mac);
    const addrs = own.map(([ip = ""]) => ({ type: 0, addr: ip, prefix: 0 }));
    return addrs.length === 0 ? [] : [{ name, hwaddr: mac, addrs }];
  });
}

function cards(definition: Definition): { name: string; mac: string; network: string | undefined }[] {
  return devicesOf(definition, "interface").flatMap((each) => {
    const mac = each.first("mac")?.attribute("address")?.toLowerCase();
    if (mac === undefined) return [];
    const network = each.attribute("type") === "network" ? each.first("source")?.attribute("network") : undefined;
    return [{ name: each.first("target")?.attribute("dev") ?? "", mac, network }];
  });
}
