import { type Connection, type Domain, type Snapshot, VirError } from "../../open/index.ts";
import { parseXml } from "../../xml/index.ts";
import type { Around } from "./around.ts";
import { findDomain } from "./lookup.ts";
import { listing, readText, yesNo } from "./object-verbs.ts";
import { listSnapshots, snapshotListFlags } from "./snapshot-list.ts";
import { findSnapshot } from "./snapshot-lookup.ts";
import { snapshotXml } from "./snapshot-xml.ts";
import { type Doing, type Facts, type Given, PlainFailure, type Verbs } from "./verb.ts";

const creating = {
  redefine: "redefine",
  current: "current",
  "no-metadata": "noMetadata",
  halt: "halt",
  "disk-only": "diskOnly",
  "reuse-external": "reuseExt",
  quiesce: "quiesce",
  atomic: "atomic",
  live: "live",
  validate: "validate",
} as const;
const creatingFlags = Object.keys(creating);

async function make(domain: Domain, xmlDesc: string, given: Given): Promise<Snapshot> {
  return domain.snapshotCreateXml(xmlDesc, { flags: given.words(creating) });
}

async function create(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const file = given.text("xmlfile");
  const snapshot = await make(domain, file === undefined ? "<domainsnapshot/>" : readText(file), given);
  return `Domain snapshot ${snapshot.name} created${file === undefined ? "" : ` from '${file}'`}`;
}

async function createAs(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const xml = snapshotXml(given);
  return given.has("print-xml") ? `${xml}\n` : `Domain snapshot ${(await make(domain, xml, given)).name} created`;
}

/** Shows which one is current, or makes one so. */
async function current(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const name = given.text("snapshotname");
  if (name !== undefined) {
    const snapshot = await findSnapshot(domain, given);
    const xml = await snapshot.getXmlDesc({ flags: "secure" });
    await domain.snapshotCreateXml(xml, { flags: ["redefine", "current"] });
    return `Snapshot ${name} set as current`;
  }
  if (!(await domain.hasCurrentSnapshot())) throw new PlainFailure(`domain '${domain.name}' has no current snapshot`);
  const snapshot = await domain.snapshotCurrent();
  if (given.has("name")) return snapshot.name;
  return snapshot.getXmlDesc({ flags: given.has("security-info") ? "secure" : [] });
}

async function info(connection: Connection, given: Given): Promise<Facts> {
  const domain = await findDomain(connection, given.need("domain"));
  const snapshot = await findSnapshot(domain, given);
  const { root } = parseXml(await snapshot.getXmlDesc());
  const [isCurrent, children, descendants, hasMetadata] = await Promise.all([
    snapshot.isCurrent(),
    snapshot.numChildren(),
    snapshot.numChildren({ flags: "descendants" }),
    snapshot.hasMetadata(),
  ]);
  const object = {
    name: snapshot.name,
    domain: domain.name,
    current: isCurrent,
    state: root.first("state")?.text ?? "",
    location: isExternal(root) ? "external" : "internal",
    parent: root.find("parent", "name")?.text ?? null,
    children,
    descendants,
    metadata: hasMetadata,
  };
  return {
    fields: [
      ["Name", object.name],
      ["Domain", object.domain],
      ["Current", yesNo(isCurrent)],
      ["State", object.state],
      ["Location", object.location],
      ["Parent", object.parent ?? "-"],
      ["Children", String(children)],
      ["Descendants", String(descendants)],
      ["Metadata", yesNo(hasMetadata)],
    ],
    width: 16,
    object,
  };
}

/** Whether any of it is in a file beside the disks' own. */
function isExternal(root: ReturnType<typeof parseXml>["root"]): boolean {
  const disks = root.first("disks")?.all("disk") ?? [];
  return (
    root.first("state")?.text === "disk-snapshot" ||
    root.first("memory")?.attribute("snapshot") === "external" ||
    disks.some((disk) => disk.attribute("snapshot") === "external")
  );
}

async function parent(connection: Connection, given: Given): Promise<string> {
  const snapshot = await findSnapshot(await findDomain(connection, given.need("domain")), given);
  const name = parseXml(await snapshot.getXmlDesc()).root.find("parent", "name")?.text;
  if (name === undefined) throw new PlainFailure(`snapshot '${snapshot.name}' has no parent`);
  return name;
}

async function edit(connection: Connection, given: Given, where: Around): Promise<string> {
  given.exclude("rename", "clone");
  const domain = await findDomain(connection, given.need("domain"));
  const snapshot = await findSnapshot(domain, given);
  const isCurrent = await snapshot.isCurrent();
  const what = `Snapshot ${snapshot.name} XML configuration`;
  const editing = await import("./edit.ts");
  const made = await editing.edit(where, {
    what,
    read: () => snapshot.getXmlDesc({ flags: "secure" }),
    write: async (xml) => {
      const made = await domain.snapshotCreateXml(xml, {
        flags: ["redefine", ...(isCurrent ? ["current" as const] : [])],
      });
      const isSame = made.name === snapshot.name;
      if (isSame || given.has("clone")) return made;
      if (given.has("rename")) await snapshot.delete({ flags: "metadataOnly" });
      else {
        await made.delete({ flags: "metadataOnly" });
        throw new PlainFailure("must use --rename or --clone to change the name of a snapshot");
      }
      return made;
    },
  });
  return made === undefined ? `${what} not changed.\n` : `Snapshot ${made.name} edited.\n`;
}

const choosing = { parameters: ["domain", "snapshotname?"] };

/** A verb that does one thing to a snapshot; what has failed is told of by its name. */
function act(
  help: string,
  verb: string,
  flags: readonly string[],
  todo: (snapshot: Snapshot, given: Given) => Promise<string>,
): Doing {
  return {
    help,
    ...choosing,
    flags: ["current", ...flags],
    run: async (connection, given) => {
      const snapshot = await findSnapshot(await findDomain(connection, given.need("domain")), given);
      try {
        return `Domain snapshot ${snapshot.name} ${await todo(snapshot, given)}\n`;
      } catch (error) {
        if (!(error instanceof VirError)) throw error;
        throw new PlainFailure(`Failed to ${verb} snapshot ${snapshot.name}\nerror: ${error.message}`, {
          cause: error,
        });
      }
    },
  };
}

const deleting = { children: "children", "children-only": "childrenOnly", metadata: "metadataOnly" } as const;
const reverting = { running: "running", paused: "paused", force: "force", "reset-nvram": "resetNvram" } as const;

/** What people script about snapshots. */
export const snapshotVerbs: Verbs = {
  "snapshot-list": listing("lists a domain's snapshots", listSnapshots, "Failed to list snapshots", {
    parameters: ["domain", "from?"],
    flags: snapshotListFlags,
  }),
  "snapshot-info": { help: "says what a snapshot is like", ...choosing, flags: ["current"], show: info },
  "snapshot-parent": {
    help: "says after which one a snapshot was taken",
    ...choosing,
    flags: ["current"],
    run: parent,
  },
  "snapshot-dumpxml": {
    help: "shows a snapshot's description",
    parameters: ["domain", "snapshotname"],
    flags: ["security-info"],
    run: async (connection, given) => {
      const snapshot = await findSnapshot(await findDomain(connection, given.need("domain")), given);
      return snapshot.getXmlDesc({ flags: given.has("security-info") ? "secure" : [] });
    },
  },
  "snapshot-create": {
    help: "takes a snapshot that a file describes",
    parameters: ["domain", "xmlfile?"],
    flags: creatingFlags,
    run: create,
  },
  "snapshot-create-as": {
    help: "takes a snapshot of what is said",
    parameters: ["domain", "name?", "description?", "diskspec?..."],
    texts: ["memspec"],
    flags: ["print-xml", ...creatingFlags.filter((name) => name !== "redefine" && name !== "current")],
    run: createAs,
  },
  "snapshot-current": {
    help: "shows the current snapshot, or makes one the current",
    parameters: ["domain", "snapshotname?"],
    flags: ["name", "security-info"],
    run: current,
  },
  "snapshot-edit": {
    help: "edits a snapshot's description",
    ...choosing,
    flags: ["current", "rename", "clone"],
    run: edit,
  },
  "snapshot-delete": act("deletes a snapshot", "delete", Object.keys(deleting), async (snapshot, given) => {
    given.exclude("children", "children-only");
    const chosen = given.words(deleting);
    await snapshot.delete({ flags: chosen });
    return given.has("children-only") ? "children deleted" : "deleted";
  }),
  "snapshot-revert": act(
    "takes a domain back to a snapshot",
    "revert",
    Object.keys(reverting),
    async (snapshot, given) => {
      const chosen = given.words(reverting);
      await snapshot.revertToSnapshot({ flags: chosen });
      return "reverted";
    },
  ),
};
