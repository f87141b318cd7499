import type { Connection, Network } from "../../open/index.ts";
import { findNetwork } from "./lookup.ts";
import { byName, listFlags, ObjectVerbs, yesNo } from "./object-verbs.ts";
import { fieldsText } from "./table.ts";
import type { Given, Listing, Verbs } from "./verb.ts";

const verbs = new ObjectVerbs<Network>({ noun: "network", find: findNetwork });

async function list(connection: Connection, given: Given): Promise<Listing> {
  const networks = byName(await connection.listAllNetworks({ flags: listFlags(given) }));
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
  const network = await verbs.find(connection, given);
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

/** What people script about networks. */
export const networkVerbs: Verbs = {
  "net-list": {
    help: "lists networks",
    flags: ["all", "inactive"],
    failure: () => "Failed to list networks",
    run: list,
  },
  "net-info": { help: "says what a network is like", parameters: ["network"], run: info },
  "net-uuid": verbs.uuid("says a network's uuid"),
  "net-dumpxml": {
    help: "shows a network's definition",
    parameters: ["network"],
    flags: ["inactive"],
    run: async (connection, given) =>
      (await verbs.find(connection, given)).getXmlDesc({ flags: given.all(["inactive"]) }),
  },
  "net-define": verbs.define("defines a network", (connection, xml) => connection.networkDefineXml(xml)),
  "net-start": verbs.act("starts a network", "start", "started", (network) => network.create()),
  "net-destroy": verbs.act("ends a network", "destroy", "destroyed", (network) => network.destroy()),
  "net-undefine": verbs.act("forgets a network's definition", "undefine", "has been undefined", (network) =>
    network.undefine(),
  ),
  "net-autostart": {
    help: "says that a network starts with the daemon",
    parameters: ["network"],
    flags: ["disable"],
    run: async (connection, given) => {
      const network = await verbs.find(connection, given);
      const isOff = given.has("disable");
      await network.setAutostart(!isOff);
      return `Network ${network.name} ${isOff ? "unmarked" : "marked"} as autostarted\n`;
    },
  },
};
