import type { Connection, Interface } from "../../open/index.ts";
import { explained } from "./lookup.ts";
import { byName, listFlags } from "./object-verbs.ts";
import { about, editing, fromFile, type ThingKind } from "./thing-verbs.ts";
import type { Doing, Given, Listing, Verbs } from "./verb.ts";

const macShape = /^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i;

const interfaces: ThingKind<Interface> = {
  parameter: "interface",
  find: (connection, name) =>
    explained(
      macShape.test(name) ? connection.interfaceLookupByMacString(name) : connection.interfaceLookupByName(name),
      `failed to get interface '${name}'`,
    ),
};

async function list(connection: Connection, given: Given): Promise<Listing> {
  const all = byName(await connection.listAllInterfaces({ flags: listFlags(given) }));
  const objects = await Promise.all(
    all.map(async (each) => ({
      name: each.name,
      state: (await each.isActive()) ? "active" : "inactive",
      mac: each.mac,
    })),
  );
  return {
    columns: ["Name", "State", "MAC Address"],
    rows: objects.map(({ name, state, mac }) => [name, state, mac]),
    objects,
  };
}

/** `verb` and `done` are virsh's words: "start", "started". */
function act(help: string, verb: string, done: string, todo: (each: Interface) => Promise<unknown>): Doing {
  return about(
    interfaces,
    help,
    async (each) => {
      await todo(each);
      return `Interface ${each.name} ${done}\n`;
    },
    { failure: (given) => `Failed to ${verb} interface ${given.need("interface")}` },
  );
}

/** A verb about changes of the host's interfaces that can be taken back together. */
function transaction(
  help: string,
  verb: string,
  done: string,
  todo: (connection: Connection) => Promise<unknown>,
): Doing {
  return {
    help,
    failure: () => `Failed to ${verb} network config change transaction`,
    run: async (connection) => {
      await todo(connection);
      return `Network config change transaction ${done}\n`;
    },
  };
}

/** What people script about the host's network interfaces. */
export const ifaceVerbs: Verbs = {
  "iface-list": {
    help: "lists the host's network interfaces",
    flags: ["inactive", "all"],
    failure: () => "Failed to list interfaces",
    show: list,
  },
  "iface-name": {
    help: "says the name of the interface with a MAC address",
    parameters: ["interface"],
    run: async (connection, given) => `${(await interfaces.find(connection, given.need("interface"))).name}\n`,
  },
  "iface-mac": about(interfaces, "says an interface's MAC address", async ({ mac }) => `${mac}\n`),
  "iface-dumpxml": about(
    interfaces,
    "shows an interface's definition",
    (each, given) => each.getXmlDesc({ flags: given.all(["inactive"]) }),
    { flags: ["inactive"] },
  ),
  "iface-define": fromFile(
    "defines an interface",
    "Failed to define interface from %",
    async (connection, xml, given) => {
      const { name } = await connection.interfaceDefineXml(xml, { flags: given.has("validate") ? 1 : 0 });
      return `Interface ${name} defined from ${given.need("file")}\n`;
    },
  ),
  "iface-edit": editing(
    interfaces,
    "edits an interface's definition",
    "Interface",
    (each) => each.getXmlDesc({ flags: "inactive" }),
    (connection, xml) => connection.interfaceDefineXml(xml),
  ),
  "iface-undefine": act("forgets an interface's definition", "undefine", "undefined", (each) => each.undefine()),
  "iface-start": act("starts an interface", "start", "started", (each) => each.create()),
  "iface-destroy": act("ends an interface", "destroy", "destroyed", (each) => each.destroy()),
  "iface-begin": transaction("begins changes that can be taken back", "begin", "started", (connection) =>
    connection.interfaceChangeBegin(),
  ),
  "iface-commit": transaction("makes changes stay", "commit", "committed", (connection) =>
    connection.interfaceChangeCommit(),
  ),
  "iface-rollback": transaction("takes changes back", "rollback", "rolled back", (connection) =>
    connection.interfaceChangeRollback(),
  ),
};
