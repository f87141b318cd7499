import type { Connection, Volume } from "../../open/index.ts";
import { element, parseXml, writeXml } from "../../xml/index.ts";
import { findPool, findVolume } from "./lookup.ts";
import { attributed, textual } from "./made-xml.ts";
import { byName, listing, readText } from "./object-verbs.ts";
import { bytesText } from "./table.ts";
import { type Doing, type Facts, type Given, type Listing, PlainFailure, scaled, type Verbs } from "./verb.ts";
import { download, upload } from "./volume-data.ts";

const kinds = ["file", "block", "dir", "network", "netdir", "ploop"];
const kindOf = (type: number): string => kinds[type] ?? "unknown";

async function list(connection: Connection, given: Given): Promise<Listing> {
  const pool = await findPool(connection, given.need("pool"));
  const objects = await Promise.all(
    byName(await pool.listAllVolumes()).map(async (volume) => {
      const [path, { type, ...sizes }] = await Promise.all([volume.getPath(), volume.getInfo()]);
      return { name: volume.name, path, type: kindOf(type), ...sizes };
    }),
  );
  if (!given.has("details")) {
    return { columns: ["Name", "Path"], rows: objects.map(({ name, path }) => [name, path]), objects };
  }
  return {
    columns: ["Name", "Path", "Type", "Capacity", "Allocation"],
    rows: objects.map(({ name, path, type, capacity, allocation }) => [
      name,
      path,
      type,
      bytesText(capacity),
      bytesText(allocation),
    ]),
    objects,
  };
}

async function info(connection: Connection, given: Given): Promise<Facts> {
  const volume = await findVolume(connection, given);
  const isPhysical = given.has("physical");
  const { type, capacity, allocation } = await volume.getInfo(isPhysical ? { flags: "getPhysical" } : {});
  const text = (bytes: bigint): string => (given.has("bytes") ? `${bytes} bytes` : bytesText(bytes));
  return {
    fields: [
      ["Name", volume.name],
      ["Type", kindOf(type)],
      ["Capacity", text(capacity)],
      [isPhysical ? "Physical" : "Allocation", text(allocation)],
    ],
    width: 16,
    object: {
      name: volume.name,
      pool: volume.pool,
      type: kindOf(type),
      capacity,
      [isPhysical ? "physical" : "allocation"]: allocation,
    },
  };
}

async function createAs(connection: Connection, given: Given): Promise<string> {
  const pool = await findPool(connection, given.need("pool"));
  const size = (name: string): bigint | undefined => {
    const text = given.text(name);
    if (text === undefined) return undefined;
    const bytes = scaled(text, 1n);
    if (bytes === undefined) throw new PlainFailure(`Malformed size ${text}`);
    return bytes;
  };
  const backing = given.text("backing-vol");
  const path =
    backing === undefined ? undefined : await (await findVolume(connection, given, "backing-vol", "pool")).getPath();
  const format = attributed("format", "type", given.text("format"));
  const xml = writeXml(
    element("volume", {}, [
      textual("name", given.need("name")),
      textual("capacity", String(size("capacity"))),
      textual("allocation", size("allocation")?.toString()),
      format && element("target", {}, [format]),
      path === undefined
        ? undefined
        : element("backingStore", {}, [
            textual("path", path),
            attributed("format", "type", given.text("backing-vol-format")),
          ]),
    ]),
  );
  if (given.has("print-xml")) return xml;
  const volume = await pool.volCreateXml(xml, { flags: prealloc(given) });
  return `Vol ${volume.name} created\n`;
}

function prealloc(given: Given): ("preallocMetadata" | "reflink" | "validate")[] {
  const words = { "prealloc-metadata": "preallocMetadata", reflink: "reflink", validate: "validate" } as const;
  return given.words(words);
}

/** Another of the same kind and size, in the same pool, under a new name. */
async function clone(connection: Connection, given: Given): Promise<string> {
  const volume = await findVolume(connection, given);
  const document = parseXml(await volume.getXmlDesc());
  const { root } = document;
  const keyless = root.children.filter((child) => child.kind !== "element" || child.name !== "key");
  root.children.splice(0, root.children.length, ...keyless);
  root.first("name")?.setText(given.need("newname"));
  const xml = writeXml(document);
  if (given.has("print-xml")) return xml;
  const pool = await volume.poolLookupByVolume();
  const made = await pool.volCreateXmlFrom({ xml, clonevol: volume }, { flags: prealloc(given) });
  return `Vol ${made.name} cloned from ${volume.name}\n`;
}

const algorithms = ["zero", "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33", "random", "trim"];

async function wipe(volume: Volume, given: Given): Promise<void> {
  const name = given.text("algorithm");
  if (name === undefined) return volume.wipe();
  const algorithm = algorithms.indexOf(name);
  if (algorithm < 0) throw new PlainFailure(`Unsupported algorithm '${name}'`);
  return volume.wipePattern(algorithm);
}

async function resize(connection: Connection, given: Given): Promise<string> {
  const volume = await findVolume(connection, given);
  const text = given.need("capacity");
  const bytes = scaled(text.replace(/^-/, ""), 1n);
  const isLess = text.startsWith("-");
  if (bytes === undefined || (isLess && !given.has("shrink"))) throw new PlainFailure(`Malformed size ${text}`);
  await volume.resize(bytes, { flags: given.all(["allocate", "delta", "shrink"]) });
  const how = given.has("delta") ? "by" : "to";
  return `Size of volume '${volume.name}' successfully changed ${how} ${text}\n`;
}

/** A verb that does one thing to a volume, and says so. */
function act(
  help: string,
  verb: string,
  done: string,
  todo: (volume: Volume, given: Given) => Promise<unknown>,
  more: Partial<Doing> = {},
): Doing {
  return {
    help,
    parameters: ["vol", "pool?"],
    ...more,
    failure: (given) => `Failed to ${verb} vol ${given.need("vol")}`,
    run: async (connection, given) => {
      const volume = await findVolume(connection, given);
      await todo(volume, given);
      return `Vol ${volume.name} ${done}\n`;
    },
  };
}

/** A verb that answers with one thing about a volume. */
function tell(
  help: string,
  answer: (volume: Volume, connection: Connection, given: Given) => string | Promise<string>,
  more: Partial<Doing> = {},
): Doing {
  return {
    help,
    parameters: ["vol", "pool?"],
    ...more,
    run: async (connection, given) => `${await answer(await findVolume(connection, given), connection, given)}\n`,
  };
}

/** What people script about volumes. */
export const volumeVerbs: Verbs = {
  "vol-list": listing("lists a storage pool's volumes", list, "Failed to list volumes", {
    parameters: ["pool"],
    flags: ["details"],
  }),
  "vol-info": {
    help: "says what a volume is like",
    parameters: ["vol", "pool?"],
    flags: ["bytes", "physical"],
    show: info,
  },
  "vol-dumpxml": {
    help: "shows a volume's definition",
    parameters: ["vol", "pool?"],
    run: async (connection, given) => (await findVolume(connection, given)).getXmlDesc(),
  },
  "vol-path": tell("says a volume's path", (volume) => volume.getPath()),
  "vol-key": tell("says a volume's key", ({ key }) => key),
  "vol-name": tell("says a volume's name", ({ name }) => name, { parameters: ["vol"] }),
  "vol-pool": tell(
    "says which storage pool a volume is in",
    async ({ pool }, connection, given) => (given.has("uuid") ? (await findPool(connection, pool)).uuid : pool),
    { parameters: ["vol"], flags: ["uuid"] },
  ),
  "vol-create": {
    help: "makes a volume",
    parameters: ["pool", "file"],
    flags: ["prealloc-metadata", "validate"],
    failure: (given) => `Failed to create vol from ${given.need("file")}`,
    run: async (connection, given) => {
      const pool = await findPool(connection, given.need("pool"));
      const volume = await pool.volCreateXml(readText(given.need("file")), { flags: prealloc(given) });
      return `Vol ${volume.name} created from ${given.need("file")}\n`;
    },
  },
  "vol-create-as": {
    help: "makes a volume of what is said",
    parameters: ["pool", "name", "capacity", "allocation?", "format?", "backing-vol?", "backing-vol-format?"],
    flags: ["prealloc-metadata", "print-xml"],
    failure: (given) => `Failed to create vol ${given.need("name")}`,
    run: createAs,
  },
  "vol-create-from": {
    help: "makes a volume with the contents of another",
    parameters: ["pool", "file", "vol", "inputpool?"],
    flags: ["prealloc-metadata", "reflink", "validate"],
    failure: (given) => `Failed to create vol from ${given.need("file")}`,
    run: async (connection, given) => {
      const pool = await findPool(connection, given.need("pool"));
      const clonevol = await findVolume(connection, given, "vol", "inputpool");
      const xml = readText(given.need("file"));
      const volume = await pool.volCreateXmlFrom({ xml, clonevol }, { flags: prealloc(given) });
      return `Vol ${volume.name} created from input vol ${clonevol.name}\n`;
    },
  },
  "vol-clone": {
    help: "makes a volume like another, with its contents",
    parameters: ["vol", "newname", "pool?"],
    flags: ["prealloc-metadata", "reflink", "print-xml"],
    failure: (given) => `Failed to clone vol from ${given.need("vol")}`,
    run: clone,
  },
  "vol-delete": act(
    "deletes a volume",
    "delete",
    "deleted",
    (volume, given) => volume.delete(given.has("delete-snapshots") ? { flags: "withSnapshots" } : {}),
    { flags: ["delete-snapshots"] },
  ),
  "vol-wipe": act("overwrites a volume", "wipe", "wiped", wipe, { parameters: ["vol", "pool?", "algorithm?"] }),
  "vol-resize": {
    help: "gives a volume another size",
    parameters: ["vol", "capacity", "pool?"],
    flags: ["allocate", "delta", "shrink"],
    failure: (given) =>
      `Failed to change size of volume '${given.need("vol")}' ${given.has("delta") ? "by" : "to"} ${given.need("capacity")}`,
    run: resize,
  },
  "vol-upload": {
    help: "writes a file into a volume",
    parameters: ["vol", "file", "pool?", "offset?#", "length?#"],
    failure: (given) => `cannot upload to volume ${given.need("vol")}`,
    run: upload,
  },
  "vol-download": {
    help: "writes a volume's contents to a file",
    parameters: ["vol", "file", "pool?", "offset?#", "length?#"],
    failure: (given) => `cannot download from volume ${given.need("vol")}`,
    run: download,
  },
};
