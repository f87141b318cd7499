import type { Connection, Domain } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { act, tell } from "./domain-act.ts";
import { runJob } from "./job.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Given, PlainFailure, type Verbs } from "./verb.ts";

const waking = { running: "running", paused: "paused" } as const;
const saving = { "bypass-cache": "bypassCache", ...waking } as const;
const restoring = { ...saving, "reset-nvram": "resetNvram" } as const;
const dumping = {
  live: "live",
  crash: "crash",
  "bypass-cache": "bypassCache",
  reset: "reset",
  "memory-only": "memoryOnly",
} as const;
/** virDomainCoreDumpFormat, in its order. */
const dumpFormats = ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"];

function wakingOf(given: Given): ("running" | "paused")[] {
  given.exclude("running", "paused");
  return given.words(waking);
}

async function save(domain: Domain, given: Given, where: Around): Promise<void> {
  given.exclude("running", "paused");
  const [to, xml, flags] = [given.need("file"), given.text("xml"), given.words(saving)];
  const work = (): Promise<unknown> => {
    if (xml === undefined && flags.length === 0) return domain.save(to);
    return domain.saveFlags({ to, dxml: xml === undefined ? null : readText(xml) }, { flags });
  };
  await runJob(domain, where, "Save", work, given.has("verbose"));
}

async function dump(domain: Domain, given: Given, where: Around): Promise<void> {
  const [to, flags, format] = [given.need("file"), given.words(dumping), given.text("format")];
  const dumpformat = dumpFormats.indexOf(format ?? "elf");
  if (format !== undefined && !given.has("memory-only")) {
    throw new PlainFailure("--format only works with --memory-only");
  }
  if (dumpformat < 0)
    throw new PlainFailure(
      `format '${format}' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp' or 'elf'`,
    );
  const work = (): Promise<unknown> =>
    dumpformat === 0 ? domain.coreDump(to, { flags }) : domain.coreDumpWithFormat({ to, dumpformat }, { flags });
  await runJob(domain, where, "Dump", work, given.has("verbose"));
}

async function restore(connection: Connection, given: Given): Promise<string> {
  const [from, xml, flags] = [given.need("file"), given.text("xml"), given.words(restoring)];
  given.exclude("running", "paused");
  if (xml === undefined && flags.length === 0) await connection.domainRestore(from);
  else await connection.domainRestoreFlags({ from, dxml: xml === undefined ? null : readText(xml) }, { flags });
  return `Domain restored from ${from}\n`;
}

async function removeManagedSave(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  if (!(await domain.hasManagedSaveImage())) return `Domain '${domain.name}' has no manage save image; removal skipped`;
  await domain.managedSaveRemove();
  return `Removed managedsave image for domain '${domain.name}'`;
}

async function editImage(connection: Connection, given: Given, where: Around): Promise<string> {
  const file = given.need("file");
  const flags = wakingOf(given);
  const { edit } = await import("./edit.ts");
  const made = await edit(where, {
    what: `Saved image ${file} XML configuration`,
    read: () => connection.domainSaveImageGetXmlDesc(file, { flags: "secure" }),
    write: async (dxml) => {
      await connection.domainSaveImageDefineXml({ file, dxml }, { flags });
      return file;
    },
  });
  return made === undefined ? `Saved image ${file} XML configuration not changed.\n` : `State file ${file} edited.\n`;
}

async function editManagedSave(connection: Connection, given: Given, where: Around): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const flags = wakingOf(given);
  const what = `Managed save image of domain '${domain.name}' XML configuration`;
  const { edit } = await import("./edit.ts");
  const made = await edit(where, {
    what,
    read: () => domain.managedSaveGetXmlDesc({ flags: 1 }),
    write: async (dxml) => {
      await domain.managedSaveDefineXml(dxml, { flags: bits(flags) });
      return what;
    },
  });
  return `${what} ${made === undefined ? "not changed" : "edited"}.\n`;
}

/** virDomainSaveRestoreFlags: the row of managed saves has no words for them. */
function bits(flags: readonly ("running" | "paused")[]): number {
  return flags.includes("running") ? 2 : flags.includes("paused") ? 4 : 0;
}

/** What people script about domains that are saved, or dumped. */
export const saveVerbs: Verbs = {
  save: {
    ...act(
      "saves a domain to a file, which ends it",
      "save",
      (name, given) => `\nDomain '${name}' saved to ${given.need("file")}\n`,
      save,
    ),
    parameters: ["domain", "file", "xml?"],
    flags: [...Object.keys(saving), "verbose"],
    failure: (given) => `Failed to save domain '${given.need("domain")}' to ${given.need("file")}`,
  },
  restore: {
    help: "brings a saved domain back",
    parameters: ["file", "xml?"],
    flags: Object.keys(restoring),
    failure: (given) => `Failed to restore domain from ${given.need("file")}`,
    run: restore,
  },
  dump: {
    ...act(
      "writes a domain's memory to a file, for debugging",
      "core dump",
      (name, given) => `\nDomain '${name}' dumped to ${given.need("file")}\n`,
      dump,
    ),
    parameters: ["domain", "file", "format?"],
    flags: [...Object.keys(dumping), "verbose"],
    failure: (given) => `Failed to core dump domain '${given.need("domain")}' to ${given.need("file")}`,
  },
  managedsave: act(
    "saves a domain to where its next start takes it up",
    "save",
    (name) => `\nDomain '${name}' state saved by libvirt\n`,
    (domain, given, where) => {
      given.exclude("running", "paused");
      const work = (): Promise<unknown> => domain.managedSave({ flags: given.words(saving) });
      return runJob(domain, where, "Managedsave", work, given.has("verbose"));
    },
    {
      flags: [...Object.keys(saving), "verbose"],
      failure: (given) => `Failed to save domain '${given.need("domain")}' state`,
    },
  ),
  "managedsave-remove": {
    help: "forgets a domain's saved state: it boots when it starts next",
    parameters: ["domain"],
    failure: (given) => `Failed to remove managed save image for domain '${given.need("domain")}'`,
    run: removeManagedSave,
  },
  "managedsave-dumpxml": tell(
    "shows the definition inside a domain's saved state",
    async (domain, given) =>
      (await domain.managedSaveGetXmlDesc({ flags: given.has("security-info") ? 1 : 0 })).trimEnd(),
    { flags: ["security-info"] },
  ),
  "managedsave-define": {
    ...act(
      "replaces the definition inside a domain's saved state",
      "update",
      (name) => `Managed save state file of domain '${name}' updated.\n`,
      (domain, given) => domain.managedSaveDefineXml(readText(given.need("xml")), { flags: bits(wakingOf(given)) }),
    ),
    parameters: ["domain", "xml"],
    flags: Object.keys(waking),
    failure: (given) => `Failed to update ${given.need("xml")}`,
  },
  "managedsave-edit": {
    help: "edits the definition inside a domain's saved state",
    parameters: ["domain"],
    flags: Object.keys(waking),
    run: editManagedSave,
  },
  "save-image-dumpxml": {
    help: "shows the definition inside a saved file",
    parameters: ["file"],
    flags: ["security-info"],
    run: (connection, given) =>
      connection.domainSaveImageGetXmlDesc(given.need("file"), { flags: given.words({ "security-info": "secure" }) }),
  },
  "save-image-define": {
    help: "replaces the definition inside a saved file",
    parameters: ["file", "xml"],
    flags: Object.keys(waking),
    failure: (given) => `Failed to update ${given.need("file")}`,
    run: async (connection, given) => {
      const file = given.need("file");
      const dxml = readText(given.need("xml"));
      await connection.domainSaveImageDefineXml({ file, dxml }, { flags: wakingOf(given) });
      return `State file ${file} updated.\n`;
    },
  },
  "save-image-edit": {
    help: "edits the definition inside a saved file",
    parameters: ["file"],
    flags: Object.keys(waking),
    run: editImage,
  },
};
