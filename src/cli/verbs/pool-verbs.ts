import { readFileSync } from "node:fs";
import type { Connection, StoragePool } from "../../open/index.ts";
import { findPool } from "./lookup.ts";
import { bytesText, fieldsText } from "./table.ts";
import type { Given, Listing, Verb, Verbs } from "./verb.ts";

const yesNo = (value: boolean): string => (value ? "yes" : "no");
const states = ["inactive", "building", "running", "degraded", "inaccessible"];

async function list(connection: Connection, given: Given): Promise<Listing> {
  const flags = given.has("all")
    ? (["active", "inactive"] as const)
    : given.has("inactive")
      ? (["inactive"] as const)
      : (["active"] as const);
  const pools = [...(await connection.listAllStoragePools({ flags }))].sort((one, other) =>
    one.name < other.name ? -1 : 1,
  );
  const objects = await Promise.all(pools.map(describe));
  if (!given.has("details")) {
    return {
      columns: ["Name", "State", "Autostart"],
      rows: objects.map(({ name, active, autostart }) => [name, active ? "active" : "inactive", yesNo(autostart)]),
      objects,
    };
  }
  const size = (bytes: bigint, active: boolean): string => (active ? bytesText(bytes) : "-");
  return {
    columns: ["Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available"],
    rows: objects.map(({ name, state, active, autostart, persistent, capacity, allocation, available }) => [
      name,
      state,
      yesNo(autostart),
      yesNo(persistent),
      size(capacity, active),
      size(allocation, active),
      size(available, active),
    ]),
    objects,
  };
}

async function describe(pool: StoragePool) {
  const [active, autostart, persistent, { state, ...sizes }] = await Promise.all([
    pool.isActive(),
    pool.getAutostart(),
    pool.isPersistent(),
    pool.getInfo(),
  ]);
  return { name: pool.name, uuid: pool.uuid, active, state: states[state] ?? "-", autostart, persistent, ...sizes };
}

async function info(connection: Connection, given: Given): Promise<string> {
  const pool = await describe(await findPool(connection, given.need("pool")));
  const { active, capacity, allocation, available } = pool;
  const sizes = { Capacity: capacity, Allocation: allocation, Available: available };
  return fieldsText(
    [
      ["Name", pool.name],
      ["UUID", pool.uuid],
      ["State", pool.state],
      ["Persistent", yesNo(pool.persistent)],
      ["Autostart", yesNo(pool.autostart)],
      ...(active ? Object.entries(sizes).map(([name, bytes]) => [name, bytesText(bytes)] as const) : []),
    ],
    16,
  );
}

async function volumes(connection: Connection, given: Given): Promise<Listing> {
  const found = await (await findPool(connection, given.need("pool"))).listAllVolumes();
  const objects = await Promise.all(
    [...found]
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map(async (volume) => ({ name: volume.name, path: await volume.getPath(), ...(await volume.getInfo()) })),
  );
  return { columns: ["Name", "Path"], rows: objects.map(({ name, path }) => [name, path]), objects };
}

function act(help: string, verb: string, done: string, todo: (pool: StoragePool) => Promise<unknown>): Verb {
  return {
    help,
    parameters: ["pool"],
    failure: (given) => `Failed to ${verb} pool ${given.need("pool")}`,
    run: async (connection, given) => {
      const pool = await findPool(connection, given.need("pool"));
      await todo(pool);
      return `Pool ${pool.name} ${done}\n`;
    },
  };
}

/** What people script about storage. */
export const poolVerbs: Verbs = {
  "pool-list": {
    help: "lists storage pools",
    flags: ["all", "inactive", "details"],
    failure: () => "Failed to list pools",
    run: list,
  },
  "pool-info": { help: "says what a storage pool is like", parameters: ["pool"], run: info },
  "pool-uuid": {
    help: "says a storage pool's uuid",
    parameters: ["pool"],
    run: async (connection, given) => `${(await findPool(connection, given.need("pool"))).uuid}\n`,
  },
  "pool-dumpxml": {
    help: "shows a storage pool's definition",
    parameters: ["pool"],
    run: async (connection, given) => (await findPool(connection, given.need("pool"))).getXmlDesc(),
  },
  "pool-define": {
    help: "defines a storage pool",
    parameters: ["file"],
    failure: (given) => `Failed to define pool from ${given.need("file")}`,
    run: async (connection, given) => {
      const { name } = await connection.storagePoolDefineXml(readFileSync(given.need("file"), "utf8"));
      return `Pool ${name} defined from ${given.need("file")}\n`;
    },
  },
  "pool-start": act("starts a storage pool", "start", "started", (pool) => pool.create()),
  "pool-destroy": act("ends a storage pool; its data stay", "destroy", "destroyed", (pool) => pool.destroy()),
  "pool-undefine": act("forgets a storage pool's definition", "undefine", "has been undefined", (pool) =>
    pool.undefine(),
  ),
  "pool-refresh": act("looks again which volumes there are", "refresh", "refreshed", (pool) => pool.refresh()),
  "vol-list": {
    help: "lists a storage pool's volumes",
    parameters: ["pool"],
    failure: () => "Failed to list volumes",
    run: volumes,
  },
};
