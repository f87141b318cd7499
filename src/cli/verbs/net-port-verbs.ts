import type { Connection, Network, NetworkPort } from "../../open/index.ts";
import { checkUuid, explained, findNetwork } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { about, type ThingKind } from "./thing-verbs.ts";
import type { Given, Listing, Verbs } from "./verb.ts";

const networks: ThingKind<Network> = { parameter: "network", find: findNetwork };

async function list(connection: Connection, given: Given): Promise<string | Listing> {
  const network = await findNetwork(connection, given.need("network"));
  const ports = [...(await network.listAllPorts())].sort((one, other) => (one.uuid < other.uuid ? -1 : 1));
  if (given.has("uuid") && !given.has("json")) return ports.map(({ uuid }) => `${uuid}\n`).join("");
  const objects = ports.map(({ uuid }) => ({ uuid }));
  return { columns: ["UUID"], rows: objects.map(({ uuid }) => [uuid]), objects };
}

function portOf(network: Network, given: Given): Promise<NetworkPort> {
  const uuid = given.need("port");
  checkUuid(uuid, "network port", "virNetworkPortLookupByUUIDString");
  return explained(network.portLookupByUuid(uuid), `failed to get network port '${uuid}'`);
}

/** What people script about the ports of networks. */
export const netPortVerbs: Verbs = {
  "net-port-list": {
    help: "lists a network's ports",
    parameters: ["network"],
    flags: ["uuid", "table"],
    show: list,
  },
  "net-port-dumpxml": about(
    networks,
    "shows a port of a network",
    async (network, given) => (await portOf(network, given)).getXmlDesc(),
    { parameters: ["port"] },
  ),
  "net-port-create": about(
    networks,
    "makes a port of a network",
    async (network, given) => {
      const port = await network.portCreateXml(readText(given.need("file")), { flags: given.has("validate") ? 2 : 0 });
      return `Network port ${port.uuid} created from ${given.need("file")}\n`;
    },
    {
      parameters: ["file"],
      flags: ["validate"],
      failure: (given) => `Failed to create network from ${given.need("file")}`,
    },
  ),
  "net-port-delete": about(
    networks,
    "deletes a port of a network",
    async (network, given) => {
      const port = await portOf(network, given);
      await port.delete();
      return `Network port ${port.uuid} deleted\n`;
    },
    { parameters: ["port"], failure: (given) => `Failed to delete network port ${given.need("port")}` },
  ),
};
