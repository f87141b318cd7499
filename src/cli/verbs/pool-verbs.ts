import type { Connection, StoragePool } from "../../open/index.ts";
import { findPool, findPoolByUuid } from "./lookup.ts";
import { byName, listFilters, listing, listOptions, ObjectVerbs, plainList, yesNo } from "./object-verbs.ts";
import { poolXml, poolXmlTexts } from "./pool-xml.ts";
import { bytesText } from "./table.ts";
import { type Facts, type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

const verbs = new ObjectVerbs<StoragePool>({
  noun: "pool",
  find: findPool,
  findByUuid: findPoolByUuid,
  define: (connection, xml, given) =>
    connection.storagePoolDefineXml(xml, given?.has("validate") === true ? { flags: "validate" } : {}),
});
const states = ["inactive", "building", "running", "degraded", "inaccessible"];
const types = {
  dir: "dir",
  fs: "fs",
  netfs: "netfs",
  logical: "logical",
  disk: "disk",
  iscsi: "iscsi",
  scsi: "scsi",
  mpath: "mpath",
  rbd: "rbd",
  sheepdog: "sheepdog",
  gluster: "gluster",
  zfs: "zfs",
  vstorage: "vstorage",
  "iscsi-direct": "iscsiDirect",
} as const;

function typeFlags(given: Given): (typeof types)[keyof typeof types][] {
  const wanted = given.text("type")?.split(",") ?? [];
  return wanted.map((name) => {
    if (Object.hasOwn(types, name)) return types[name as keyof typeof types];
    throw new PlainFailure(`Invalid pool type '${name}'`);
  });
}

async function list(connection: Connection, given: Given): Promise<string | Listing> {
  const pools = byName(await connection.listAllStoragePools({ flags: [...listFilters(given), ...typeFlags(given)] }));
  const plain = plainList(given, pools, 20);
  if (plain !== undefined) return plain;
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

async function info(connection: Connection, given: Given): Promise<Facts> {
  const pool = await describe(await verbs.find(connection, given));
  const { active, capacity, allocation, available } = pool;
  const sizes = { Capacity: capacity, Allocation: allocation, Available: available };
  const text = given.has("bytes") ? String : bytesText;
  return {
    fields: [
      ["Name", pool.name],
      ["UUID", pool.uuid],
      ["State", pool.state],
      ["Persistent", yesNo(pool.persistent)],
      ["Autostart", yesNo(pool.autostart)],
      ...(active ? Object.entries(sizes).map(([name, bytes]) => [name, text(bytes)] as const) : []),
    ],
    width: 16,
    object: pool,
  };
}

const building = {
  build: "withBuild",
  overwrite: "withBuildOverwrite",
  "no-overwrite": "withBuildNoOverwrite",
} as const;
const buildOptions = Object.keys(building);

function buildFlags(given: Given): (typeof building)[keyof typeof building][] {
  given.exclude("overwrite", "no-overwrite");
  return given.words(building);
}

/** A verb that makes a pool of what it is told, or shows of what. */
function fromOptions(
  help: string,
  verb: string,
  done: string,
  flags: readonly string[],
  todo: (connection: Connection, xml: string, given: Given) => Promise<StoragePool>,
): Verbs[string] {
  return {
    help,
    parameters: ["name", "type", ...poolXmlTexts.map((name) => `${name}?`)],
    flags: ["print-xml", ...flags],
    failure: (given) => `Failed to ${verb} pool ${given.need("name")}`,
    run: async (connection, given) => {
      const xml = poolXml(given);
      if (given.has("print-xml")) return xml;
      return `Pool ${(await todo(connection, xml, given)).name} ${done}\n`;
    },
  };
}

/** What people script about storage. */
export const poolVerbs: Verbs = {
  "pool-list": listing("lists storage pools", list, "Failed to list pools", {
    flags: [...listOptions, "details"],
    parameters: ["type?"],
  }),
  "pool-info": { help: "says what a storage pool is like", parameters: ["pool"], flags: ["bytes"], show: info },
  "pool-uuid": verbs.uuid("says a storage pool's uuid"),
  "pool-name": verbs.name("says the name of the storage pool with a uuid"),
  "pool-dumpxml": verbs.dumpxml("shows a storage pool's definition"),
  "pool-define": verbs.define("defines a storage pool"),
  "pool-define-as": fromOptions("defines a storage pool of what is said", "define", "defined", [], (connection, xml) =>
    connection.storagePoolDefineXml(xml),
  ),
  "pool-create": verbs.fromFile(
    "starts a storage pool without a definition that stays",
    "create",
    "created",
    (connection, xml, given) => connection.storagePoolCreateXml(xml, { flags: buildFlags(given) }),
    buildOptions,
  ),
  "pool-create-as": fromOptions(
    "starts a storage pool of what is said",
    "create",
    "created",
    buildOptions,
    (connection, xml, given) => connection.storagePoolCreateXml(xml, { flags: buildFlags(given) }),
  ),
  "pool-edit": verbs.edit("edits a storage pool's definition"),
  "pool-build": verbs.act(
    "makes what a storage pool stands on",
    "build",
    "built",
    (pool, given) => {
      const words = { overwrite: "overwrite", "no-overwrite": "noOverwrite" } as const;
      return pool.build({ flags: given.words(words) });
    },
    ["overwrite", "no-overwrite"],
  ),
  "pool-start": verbs.act(
    "starts a storage pool",
    "start",
    "started",
    (pool, given) => pool.create({ flags: buildFlags(given) }),
    buildOptions,
  ),
  "pool-destroy": verbs.act("ends a storage pool; its data stay", "destroy", "destroyed", (pool) => pool.destroy()),
  "pool-delete": verbs.act("deletes what a storage pool stands on, and its data", "delete", "deleted", (pool) =>
    pool.delete(),
  ),
  "pool-undefine": verbs.act("forgets a storage pool's definition", "undefine", "has been undefined", (pool) =>
    pool.undefine(),
  ),
  "pool-refresh": verbs.act("looks again which volumes there are", "refresh", "refreshed", (pool) => pool.refresh()),
  "pool-autostart": verbs.autostart("says that a storage pool starts with the daemon"),
};
