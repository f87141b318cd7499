import type { Connection } from "../../open/index.ts";
import { findNetwork } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** virNetworkUpdateCommand, and virsh's short word. */
const commands: Readonly<Record<string, number>> = {
  modify: 1,
  delete: 2,
  add: 3,
  "add-last": 3,
  "add-first": 4,
};
/** virNetworkUpdateSection, in its order from 1 on. */
const sections = [
  "bridge",
  "domain",
  "ip",
  "ip-dhcp-host",
  "ip-dhcp-range",
  "forward",
  "forward-interface",
  "forward-pf",
  "portgroup",
  "dns-host",
  "dns-txt",
  "dns-srv",
];

/** net-update: `xml` is the part itself, or a file with it. */
export async function updateNetwork(connection: Connection, given: Given): Promise<string> {
  given.exclude("current", "live");
  given.exclude("current", "config");
  const network = await findNetwork(connection, given.need("network"));
  const command = Object.hasOwn(commands, given.need("command")) ? commands[given.need("command")] : undefined;
  if (command === undefined) throw new PlainFailure(`unrecognized command name '${given.need("command")}'`);
  const section = sections.indexOf(given.need("section")) + 1;
  if (section === 0) throw new PlainFailure(`unrecognized section name '${given.need("section")}'`);
  const text = given.need("xml");
  const xml = text.startsWith("<") ? text : readText(text);
  const parentIndex = given.number("parent-index") ?? -1;
  const flags = given.all(["live", "config"]);
  await network.update({ command, section, parentIndex, xml }, { flags });
  const isLive = flags.length === 0 ? await network.isActive() : given.has("live");
  const places = [...(given.has("config") || !isLive ? ["persistent config"] : []), ...(isLive ? ["live state"] : [])];
  return `Updated network ${network.name} ${places.join(" and ")}`;
}
