import { type Checkpoint, type Connection, type Domain, ErrorCode, VirError } from "../../open/index.ts";
import { element, parseXml, writeXml } from "../../xml/index.ts";
import { findDomain } from "./lookup.ts";
import { textual } from "./made-xml.ts";
import { listMoments } from "./moment-list.ts";
import { readText } from "./object-verbs.ts";
import { diskSpec } from "./snapshot-xml.ts";
import { about, type ThingKind } from "./thing-verbs.ts";
import { type Facts, type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

const domains: ThingKind<Domain> = { parameter: "domain", find: findDomain };

/** Throws PlainFailure with what the server says. */
async function findCheckpoint(domain: Domain, name: string): Promise<Checkpoint> {
  try {
    return await domain.checkpointLookupByName(name);
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    throw new PlainFailure(error.message, { cause: error });
  }
}

async function chosenOf(connection: Connection, given: Given): Promise<Checkpoint> {
  const domain = await findDomain(connection, given.need("domain"));
  const name = given.text("checkpointname");
  if (name === undefined) throw new PlainFailure("--checkpointname is required");
  return findCheckpoint(domain, name);
}

const creating = { redefine: "redefine", "redefine-validate": "redefineValidate", quiesce: "quiesce" } as const;

async function create(domain: Domain, given: Given): Promise<string> {
  const file = given.text("xmlfile");
  const xml = file === undefined ? "<domaincheckpoint/>" : readText(file);
  const { name } = await domain.checkpointCreateXml(xml, { flags: given.words(creating) });
  return `Domain checkpoint ${name} created${file === undefined ? "" : ` from '${file}'`}`;
}

/** "vda,checkpoint=bitmap,bitmap=b1" */
function checkpointXml(given: Given): string {
  const disks = given.list("diskspec").map((spec) => {
    const { name, checkpoint, bitmap } = diskSpec(spec, ["checkpoint", "bitmap"]);
    return element("disk", { name, checkpoint, bitmap });
  });
  return writeXml(
    element("domaincheckpoint", {}, [
      textual("name", given.text("name")),
      textual("description", given.text("description")),
      disks.length === 0 ? undefined : element("disks", {}, disks),
    ]),
  );
}

async function createAs(domain: Domain, given: Given): Promise<string> {
  const xml = checkpointXml(given);
  if (given.has("print-xml")) return `${xml}\n`;
  const { name } = await domain.checkpointCreateXml(xml, { flags: given.has("quiesce") ? ["quiesce"] : [] });
  return `Domain checkpoint ${name} created`;
}

const filters = { roots: "roots", leaves: "leaves", "no-leaves": "noLeaves", topological: "topological" } as const;

function list(connection: Connection, given: Given): Promise<string | Listing> {
  return listMoments(connection, given, {
    filters,
    exclusive: [],
    columns: [],
    base,
    all: (domain, flags) => domain.listAllCheckpoints({ flags }),
    children: (checkpoint, flags) => checkpoint.listAllChildren({ flags }),
    describe,
  });
}

async function base(domain: Domain, given: Given): Promise<Checkpoint | undefined> {
  const from = given.text("from");
  if (from !== undefined) return findCheckpoint(domain, from);
  if (given.has("descendants")) throw new PlainFailure("--descendants requires --from");
  return undefined;
}

async function describe(checkpoint: Checkpoint) {
  const { root } = parseXml(await checkpoint.getXmlDesc({ flags: "noDomain" }));
  return {
    name: checkpoint.name,
    /** In seconds since 1970. */
    created: Number(root.first("creationTime")?.text ?? 0),
    parent: root.find("parent", "name")?.text ?? null,
  };
}

async function parentOf(checkpoint: Checkpoint): Promise<string | undefined> {
  try {
    return (await checkpoint.getParent()).name;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noDomainCheckpoint) return undefined;
    throw error;
  }
}

async function info(connection: Connection, given: Given): Promise<Facts> {
  const checkpoint = await chosenOf(connection, given);
  const [parent, children, descendants] = await Promise.all([
    parentOf(checkpoint),
    checkpoint.listAllChildren(),
    checkpoint.listAllChildren({ flags: "descendants" }),
  ]);
  const object = {
    name: checkpoint.name,
    domain: checkpoint.dom.name,
    parent: parent ?? null,
    children: children.length,
    descendants: descendants.length,
  };
  return {
    fields: [
      ["Name", object.name],
      ["Domain", object.domain],
      ["Parent", parent ?? "-"],
      ["Children", String(object.children)],
      ["Descendants", String(object.descendants)],
    ],
    width: 16,
    object,
  };
}

async function remove(connection: Connection, given: Given): Promise<string> {
  given.exclude("children", "children-only");
  const checkpoint = await chosenOf(connection, given);
  const flags = given.words({
    children: "children",
    "children-only": "childrenOnly",
    metadata: "metadataOnly",
  } as const);
  try {
    await checkpoint.delete({ flags });
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    const what = `Failed to delete checkpoint ${checkpoint.name}`;
    throw new PlainFailure(`${what}\nerror: ${error.message}`, { cause: error });
  }
  return `Domain checkpoint ${checkpoint.name} ${given.has("children-only") ? "children deleted" : "deleted"}\n`;
}

const showing = { "security-info": "secure", "no-domain": "noDomain", size: "size" } as const;
const chosen = ["domain", "checkpointname?"];

/** What people script about checkpoints and backups. */
export const checkpointVerbs: Verbs = {
  "checkpoint-list": {
    help: "lists a domain's checkpoints",
    parameters: ["domain", "from?"],
    flags: ["parent", ...Object.keys(filters), "tree", "descendants", "name"],
    show: list,
  },
  "checkpoint-info": { help: "says what a checkpoint is like", parameters: chosen, show: info },
  "checkpoint-parent": {
    help: "says after which one a checkpoint was made",
    parameters: chosen,
    run: async (connection, given) => {
      const checkpoint = await chosenOf(connection, given);
      const parent = await parentOf(checkpoint);
      if (parent === undefined) throw new PlainFailure(`checkpoint '${checkpoint.name}' has no parent`);
      return parent;
    },
  },
  "checkpoint-dumpxml": {
    help: "shows a checkpoint's description",
    parameters: chosen,
    flags: Object.keys(showing),
    run: async (connection, given) => (await chosenOf(connection, given)).getXmlDesc({ flags: given.words(showing) }),
  },
  "checkpoint-create": about(domains, "makes a checkpoint that a file describes", create, {
    parameters: ["xmlfile?"],
    flags: Object.keys(creating),
  }),
  "checkpoint-create-as": about(domains, "makes a checkpoint of what is said", createAs, {
    parameters: ["name?", "description?", "diskspec?..."],
    flags: ["print-xml", "quiesce"],
  }),
  "checkpoint-edit": {
    help: "edits a checkpoint's description",
    parameters: chosen,
    run: async (connection, given, where) => {
      const checkpoint = await chosenOf(connection, given);
      const what = `Checkpoint ${checkpoint.name} XML configuration`;
      const { edit } = await import("./edit.ts");
      const made = await edit(where, {
        what,
        read: () => checkpoint.getXmlDesc({ flags: "secure" }),
        write: (xml) => checkpoint.dom.checkpointCreateXml(xml, { flags: "redefine" }),
      });
      return made === undefined ? `${what} not changed.\n` : `Checkpoint ${made.name} edited.\n`;
    },
  },
  "checkpoint-delete": {
    help: "deletes a checkpoint",
    parameters: chosen,
    flags: ["children", "children-only", "metadata"],
    run: remove,
  },
  "backup-begin": about(
    domains,
    "begins a backup of a domain's disks",
    async (domain, given) => {
      const [backup, checkpoint] = [given.text("backupxml"), given.text("checkpointxml")];
      const backupXml = backup === undefined ? "<domainbackup/>" : readText(backup);
      const checkpointXmlText = checkpoint === undefined ? undefined : readText(checkpoint);
      const flags = given.has("reuse-external") ? (["reuseExternal"] as const) : [];
      await domain.backupBegin({ backupXml, checkpointXml: checkpointXmlText }, { flags });
      return "Backup started\n";
    },
    { parameters: ["backupxml?", "checkpointxml?"], flags: ["reuse-external"] },
  ),
  "backup-dumpxml": about(domains, "shows the backup that is under way", (domain) => domain.backupGetXmlDesc()),
};
