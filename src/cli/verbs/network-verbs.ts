import type { Connection, Network } from "../../open/index.ts";
import { leases } from "./lease-list.ts";
import { findNetwork, findNetworkByUuid } from "./lookup.ts";
import { updateNetwork } from "./network-update.ts";
import { byName, listFilters, listing, listOptions, ObjectVerbs, plainList, yesNo } from "./object-verbs.ts";
import type { Facts, Given, Listing, Verbs } from "./verb.ts";

const verbs = new ObjectVerbs<Network>({
  noun: "network",
  find: findNetwork,
  findByUuid: findNetworkByUuid,
  define: (connection, xml, given) =>
    connection.networkDefineXml(xml, given?.has("validate") === true ? { flags: "validate" } : {}),
});

async function list(connection: Connection, given: Given): Promise<string | Listing> {
  const networks = byName(await connection.listAllNetworks({ flags: listFilters(given) }));
  const plain = plainList(given, networks);
  if (plain !== undefined) return plain;
  const objects = await Promise.all(networks.map(describe));
  return {
    columns: ["Name", "State", "Autostart", "Persistent"],
    rows: objects.map(({ name, state, autostart, persistent }) => [name, state, yesNo(autostart), yesNo(persistent)]),
    objects,
  };
}

async function describe(network: Network) {
  const [isActive, autostart, persistent] = await Promise.all([
    network.isActive(),
    network.getAutostart(),
    network.isPersistent(),
  ]);
  return { name: network.name, uuid: network.uuid, state: isActive ? "active" : "inactive", autostart, persistent };
}

async function info(connection: Connection, given: Given): Promise<Facts> {
  const network = await verbs.find(connection, given);
  const bridge = await network.getBridgeName().catch(() => undefined);
  const object = await describe(network);
  return {
    fields: [
      ["Name", network.name],
      ["UUID", network.uuid],
      ["Active", yesNo(object.state === "active")],
      ["Persistent", yesNo(object.persistent)],
      ["Autostart", yesNo(object.autostart)],
      ...(bridge === undefined ? [] : [["Bridge", bridge] as const]),
    ],
    width: 16,
    object: { ...object, ...(bridge !== undefined && { bridge }) },
  };
}

/** What people script about networks. */
export const networkVerbs: Verbs = {
  "net-list": listing("lists networks", list, "Failed to list networks", { flags: [...listOptions, "table"] }),
  "net-info": { help: "says what a network is like", parameters: ["network"], show: info },
  "net-uuid": verbs.uuid("says a network's uuid"),
  "net-name": verbs.name("says the name of the network with a uuid"),
  "net-dumpxml": verbs.dumpxml("shows a network's definition"),
  "net-define": verbs.define("defines a network"),
  "net-create": verbs.fromFile(
    "starts a network without a definition that stays",
    "create",
    "created",
    (connection, xml, given) => connection.networkCreateXml(xml, given.has("validate") ? { flags: "validate" } : {}),
    ["validate"],
  ),
  "net-edit": verbs.edit("edits a network's definition"),
  "net-update": {
    help: "changes a part of a network",
    parameters: ["network", "command", "section", "xml", "parent-index?#"],
    flags: ["config", "live", "current"],
    failure: (given) => `Failed to update network ${given.need("network")}`,
    run: updateNetwork,
  },
  "net-dhcp-leases": {
    help: "lists the addresses that a network has given",
    parameters: ["network", "mac?"],
    failure: (given) => `Failed to get leases info for ${given.need("network")}`,
    show: leases,
  },
  "net-start": verbs.act("starts a network", "start", "started", (network) => network.create()),
  "net-destroy": verbs.act("ends a network", "destroy", "destroyed", (network) => network.destroy()),
  "net-undefine": verbs.act("forgets a network's definition", "undefine", "has been undefined", (network) =>
    network.undefine(),
  ),
  "net-autostart": verbs.autostart("says that a network starts with the daemon"),
};
