import { readFileSync } from "node:fs";
import type { Connection, Network } from "../../open/index.ts";
import { findNetwork } from "./lookup.ts";
import { fieldsText } from "./table.ts";
import type { Given, Listing, Verb, Verbs } from "./verb.ts";

const yesNo = (value: boolean): string => (value ? "yes" : "no");

async function list(connection: Connection, given: Given): Promise<Listing> {
  const flags = given.has("all")
    ? (["active", "inactive"] as const)
    : given.has("inactive")
      ? (["inactive"] as const)
      : (["active"] as const);
  const networks = [...(await connection.listAllNetworks({ flags }))].sort((one, other) =>
    one.name < other.name ? -1 : 1,
  );
  const objects = await Promise.all(
    networks.map(async (network) => {
      const [isActive, autostart, persistent] = await Promise.all([
        network.isActive(),
        network.getAutostart(),
        network.isPersistent(),
      ]);
      return { name: network.name, uuid: network.uuid, state: isActive ? "active" : "inactive", autostart, persistent };
    }),
  );
  return {
    columns: ["Name", "State", "Autostart", "Persistent"],
    rows: objects.map(({ name, state, autostart, persistent }) => [name, state, yesNo(autostart), yesNo(persistent)]),
    objects,
  };
}

async function info(connection: Connection, given: Given): Promise<string> {
  const network = await findNetwork(connection, given.need("network"));
  const bridge = await network.getBridgeName().catch(() => undefined);
  return fieldsText(
    [
      ["Name", network.name],
      ["UUID", network.uuid],
      ["Active", yesNo(await network.isActive())],
      ["Persistent", yesNo(await network.isPersistent())],
      ["Autostart", yesNo(await network.getAutostart())],
      ...(bridge === undefined ? [] : [["Bridge", bridge] as const]),
    ],
    16,
  );
}

function act(help: string, verb: string, done: string, todo: (network: Network) => Promise<unknown>): Verb {
  return {
    help,
    parameters: ["network"],
    failure: (given) => `Failed to ${verb} network ${given.need("network")}`,
    run: async (connection, given) => {
      const network = await findNetwork(connection, given.need("network"));
      await todo(network);
      return `Network ${network.name} ${done}\n`;
    },
  };
}

/** What people script about networks. */
export const networkVerbs: Verbs = {
  "net-list": {
    help: "lists networks",
    flags: ["all", "inactive"],
    failure: () => "Failed to list networks",
    run: list,
  },
  "net-info": { help: "says what a network is like", parameters: ["network"], run: info },
  "net-uuid": {
    help: "says a network's uuid",
    parameters: ["network"],
    run: async (connection, given) => `${(await findNetwork(connection, given.need("network"))).uuid}\n`,
  },
  "net-dumpxml": {
    help: "shows a network's definition",
    parameters: ["network"],
    flags: ["inactive"],
    run: async (connection, given) =>
      (await findNetwork(connection, given.need("network"))).getXmlDesc({ flags: given.all(["inactive"]) }),
  },
  "net-define": {
    help: "defines a network",
    parameters: ["file"],
    failure: (given) => `Failed to define network from ${given.need("file")}`,
    run: async (connection, given) => {
      const { name } = await connection.networkDefineXml(readFileSync(given.need("file"), "utf8"));
      return `Network ${name} defined from ${given.need("file")}\n`;
    },
  },
  "net-start": act("starts a network", "start", "started", (network) => network.create()),
  "net-destroy": act("ends a network", "destroy", "destroyed", (network) => network.destroy()),
  "net-undefine": act("forgets a network's definition", "undefine", "has been undefined", (network) =>
    network.undefine(),
  ),
  "net-autostart": {
    help: "says that a network starts with the daemon",
    parameters: ["network"],
    flags: ["disable"],
    run: async (connection, given) => {
      const network = await findNetwork(connection, given.need("network"));
      const isOff = given.has("disable");
      await network.setAutostart(!isOff);
      return `Network ${network.name} ${isOff ? "unmarked" : "marked"} as autostarted\n`;
    },
  },
};
