import { isIP } from "node:net";
import { contains } from "./address.ts";
import type { NetworkPlan } from "./network-plan.ts";

/** An address that a network has given away, as it goes over the wire. */
export interface Lease {
  /** The bridge. */
  readonly iface: string;
  /** In seconds since 1970; 0: for ever. */
  readonly expirytime: bigint;
  /** virIPAddrType. */
  readonly type: number;
  readonly mac: string | null;
  readonly iaid: string | null;
  readonly ipaddr: string;
  readonly prefix: number;
  readonly hostname: string | null;
  readonly clientid: string | null;
}

const ipType = { v4: 0, v6: 1 };

/**
 * What dnsmasq has noted down: `EXPIRY MAC ADDRESS NAME CLIENT` in a line, for IPv6 `EXPIRY IAID ADDRESS NAME DUID`. What
 * has expired by `now` (seconds since 1970), and what is none of it, is left out.
 */
export function parseLeases(text: string, { bridge, subnets }: NetworkPlan, now: number): Lease[] {
  return text.split("\n").flatMap((line) => {
    const [expiry = "", key = "", address = "", name = "*", client = "*"] = line.split(" ");
    const family = isIP(address);
    if (!/^\d+$/.test(expiry) || family === 0) return [];
    if (expiry !== "0" && Number(expiry) <= now) return [];
    const subnet = subnets.find((each) => contains(each, address));
    return [
      {
        iface: bridge,
        expirytime: BigInt(expiry),
        type: family === 4 ? ipType.v4 : ipType.v6,
        // The hardware's type stands before it when it is not Ethernet; IPv6 has no such thing.
        mac: family === 4 ? key.replace(/^[\da-f]{2}-/i, "") : null,
        iaid: family === 6 ? key.replace(/^T/, "") : null,
        ipaddr: address,
        prefix: subnet?.prefix ?? 0,
        hostname: given(name),
        clientid: given(client),
      },
    ];
  });
}

function given(text: string): string | null {
  return text === "*" || text === "" ? null : text;
}
