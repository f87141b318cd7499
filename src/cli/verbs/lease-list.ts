import type { Connection } from "../../open/index.ts";
import { findNetwork } from "./lookup.ts";
import { localTime } from "./table.ts";
import type { Given, Listing } from "./verb.ts";

const protocols: readonly string[] = ["ipv4", "ipv6"];

/** net-dhcp-leases. */
export async function leases(connection: Connection, given: Given): Promise<Listing> {
  const network = await findNetwork(connection, given.need("network"));
  const found = [...(await network.getDhcpLeases(given.text("mac") ?? null))].sort((one, other) =>
    (one.mac ?? "") < (other.mac ?? "") ? -1 : 1,
  );
  return {
    columns: ["Expiry Time", "MAC address", "Protocol", "IP address", "Hostname", "Client ID or DUID"],
    rows: found.map((lease) => [
      localTime(Number(lease.expirytime) * 1000),
      lease.mac ?? "-",
      protocols[lease.type] ?? "-",
      `${lease.ipaddr}/${lease.prefix}`,
      lease.hostname ?? "-",
      lease.clientid ?? "-",
    ]),
    objects: found.map(({ type, ...lease }) => ({ ...lease, protocol: protocols[type] ?? null })),
  };
}
