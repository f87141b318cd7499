import type { Connection, StoragePool } from "../../open/index.ts";
import { findPool } from "./lookup.ts";
import { byName, listFlags, ObjectVerbs, yesNo } from "./object-verbs.ts";
import { bytesText, fieldsText } from "./table.ts";
import type { Given, Listing, Verbs } from "./verb.ts";

const verbs = new ObjectVerbs<StoragePool>({ noun: "pool", find: findPool });
const states = ["inactive", "building", "running", "degraded", "inaccessible"];

async function list(connection: Connection, given: Given): Promise<Listing> {
  const pools = byName(await connection.listAllStoragePools({ flags: listFlags(given) }));
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
  const pool = await describe(await verbs.find(connection, given));
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
  const found = await (await verbs.find(connection, given)).listAllVolumes();
  const objects = await Promise.all(
    [...found]
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map(async (volume) => ({ name: volume.name, path: await volume.getPath(), ...(await volume.getInfo()) })),
  );
  return { columns: ["Name", "Path"], rows: objects.map(({ name, path }) => [name, path]), objects };
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
  "pool-uuid": verbs.uuid("says a storage pool's uuid"),
  "pool-dumpxml": {
    help: "shows a storage pool's definition",
    parameters: ["pool"],
    run: async (connection, given) => (await verbs.find(connection, given)).getXmlDesc(),
  },
  "pool-define": verbs.define("defines a storage pool", (connection, xml) => connection.storagePoolDefineXml(xml)),
  "pool-start": verbs.act("starts a storage pool", "start", "started", (pool) => pool.create()),
  "pool-destroy": verbs.act("ends a storage pool; its data stay", "destroy", "destroyed", (pool) => pool.destroy()),
  "pool-undefine": verbs.act("forgets a storage pool's definition", "undefine", "has been undefined", (pool) =>
    pool.undefine(),
  ),
  "pool-refresh": verbs.act("looks again which volumes there are", "refresh", "refreshed", (pool) => pool.refresh()),
  "vol-list": {
    help: "lists a storage pool's volumes",
    parameters: ["pool"],
    failure: () => "Failed to list volumes",
    run: volumes,
  },
};
