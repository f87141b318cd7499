import { type Connection, type Domain } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { act, tell } from "./domain-act.ts";
import { blockList, interfaceList } from "./domain-devices.ts";
import { filters, listDomains } from "./domain-list.ts";
import { findDomain, unlessUnsupported } from "./lookup.ts";
import { listing, readText, yesNo } from "./object-verbs.ts";
import { reasonWords, stateWords } from "./state-words.ts";
import { type Doing, type Facts, type Given, PlainFailure, type Verbs } from "./verb.ts";

async function dominfo(connection: Connection, given: Given): Promise<Facts> {
  const domain = await findDomain(connection, given.need("domain"));
  const info = await domain.getInfo();
  const { state } = await domain.status();
  const [persistent, autostart] = [await domain.isPersistent(), await domain.getAutostart()];
  const fields: [string, string][] = [
    ["Id", domain.id === -1 ? "-" : String(domain.id)],
    ["Name", domain.name],
    ["UUID", domain.uuid],
    ["OS Type", await domain.getOsType()],
    ["State", stateWords[state]],
    ["CPU(s)", String(info.nrVirtCpu)],
    ...(info.cpuTime === 0n
      ? []
      : [["CPU time", `${(Number(info.cpuTime / 100_000_000n) / 10).toFixed(1)}s`] as [string, string]]),
    ["Max memory", `${info.maxMem} KiB`],
    ["Used memory", `${info.memory} KiB`],
    ["Persistent", yesNo(persistent)],
    ["Autostart", autostart ? "enable" : "disable"],
  ];
  const isSaved = await unlessUnsupported(domain.hasManagedSaveImage());
  fields.push(["Managed save", isSaved === undefined ? "unknown" : yesNo(isSaved)]);
  const security = await unlessUnsupported(connection.nodeGetSecurityModel());
  if (security !== undefined && security.model !== "") {
    fields.push(["Security model", security.model], ["Security DOI", security.doi]);
    if (domain.id !== -1) {
      const { label, enforcing } = await domain.getSecurityLabel();
      if (label !== "") fields.push(["Security label", `${label} (${enforcing === 1 ? "enforcing" : "permissive"})`]);
    }
  }
  const { name, uuid } = domain;
  const { nrVirtCpu, cpuTime, maxMem, memory } = info;
  const id = domain.id === -1 ? null : domain.id;
  const object = { id, name, uuid, state, vcpus: nrVirtCpu, cpuTime, maxMem, memory, persistent, autostart };
  return { fields, width: 16, object: { ...object, managedSave: isSaved ?? null } };
}

async function domstate(connection: Connection, given: Given): Promise<string> {
  const { state, reason } = await (await findDomain(connection, given.need("domain"))).status();
  const why = given.has("reason") ? ` (${reasonWords[reason] ?? reason})` : "";
  return `${stateWords[state]}${why}\n`;
}

async function changeAutostart(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const isOff = given.has("disable");
  await domain.setAutostart(!isOff);
  return `Domain '${domain.name}' ${isOff ? "unmarked" : "marked"} as autostarted\n`;
}

function fileVerb(
  help: string,
  verb: string,
  make: (connection: Connection, xml: string, given: Given) => Promise<Domain>,
  done: string,
  flags: readonly string[] = [],
): Doing {
  return {
    help,
    parameters: ["file"],
    flags,
    failure: (given) => `Failed to ${verb} domain from ${given.need("file")}`,
    run: async (connection, given) => {
      const domain = await make(connection, readText(given.need("file")), given);
      return `Domain '${domain.name}' ${done} from ${given.need("file")}\n`;
    },
  };
}

/** Beside the command that serves, which has this name too. */
const start: Doing = {
  help: "starts a domain",
  parameters: ["domain"],
  flags: ["paused", "force-boot", "bypass-cache", "autodestroy", "reset-nvram"],
  failure: (given) => `Failed to start domain '${given.need("domain")}'`,
  run: async (connection, given) => {
    const words = {
      paused: "paused",
      "force-boot": "forceBoot",
      "bypass-cache": "bypassCache",
      autodestroy: "autodestroy",
      "reset-nvram": "resetNvram",
    } as const;
    const domain = await findDomain(connection, given.need("domain"));
    if (domain.id !== -1) throw new AlreadyActive();
    const flags = given.words(words);
    await domain.create(flags.length === 0 ? {} : { flags });
    return `Domain '${domain.name}' started\n`;
  },
};

const undefining = {
  "managed-save": "managedSave",
  "snapshots-metadata": "snapshotsMetadata",
  "checkpoints-metadata": "checkpointsMetadata",
  nvram: "nvram",
  "keep-nvram": "keepNvram",
  tpm: "tpm",
  "keep-tpm": "keepTpm",
} as const;
const creating = {
  paused: "paused",
  autodestroy: "autodestroy",
  validate: "validate",
  "reset-nvram": "resetNvram",
} as const;
const destroying = { graceful: "graceful", "remove-logs": "removeLogs" } as const;

/** How a guest is asked to end or to begin again, by virsh's words. */
const modes = {
  acpi: "acpiPowerBtn",
  agent: "guestAgent",
  initctl: "initctl",
  signal: "signal",
  paravirt: "paravirt",
} as const;

/** Throws PlainFailure. */
function modeFlags(given: Given, or: string): { flags?: (typeof modes)[keyof typeof modes][] } {
  const words = given.text("mode")?.split(",");
  if (words === undefined) return {};
  const flags = words.map((word) => {
    if (Object.hasOwn(modes, word)) return modes[word as keyof typeof modes];
    throw new PlainFailure(
      `Unknown mode ${word} value, expecting 'acpi', 'agent', 'initctl', 'signal'${or} 'paravirt'`,
    );
  });
  return { flags };
}

/** What people script about domains. */
export const domainVerbs: Verbs = {
  list: listing("lists domains", listDomains, "Failed to list domains", {
    flags: ["all", "inactive", "uuid", "name", "id", "table", "title", "managed-save", ...Object.keys(filters)],
  }),
  dominfo: { help: "says what a domain is like", parameters: ["domain"], show: dominfo },
  domstate: { help: "says what a domain does", parameters: ["domain"], flags: ["reason"], run: domstate },
  domid: tell("says a domain's id", ({ id }) => (id === -1 ? "-" : String(id))),
  domuuid: tell("says a domain's uuid", ({ uuid }) => uuid),
  domname: tell("says a domain's name", ({ name }) => name),
  domblklist: {
    help: "lists a domain's disks",
    parameters: ["domain"],
    flags: ["inactive", "details"],
    show: blockList,
  },
  domiflist: {
    help: "lists a domain's network cards",
    parameters: ["domain"],
    flags: ["inactive"],
    show: interfaceList,
  },
  dumpxml: {
    help: "shows a domain's definition",
    parameters: ["domain"],
    flags: ["inactive", "security-info", "update-cpu", "migratable"],
    run: async (connection, given) => {
      const words = {
        inactive: "inactive",
        "security-info": "secure",
        "update-cpu": "updateCpu",
        migratable: "migratable",
      } as const;
      const flags = given.words(words);
      return (await findDomain(connection, given.need("domain"))).getXmlDesc({ flags });
    },
  },
  edit: { help: "edits a domain's definition", parameters: ["domain"], flags: ["skip-validate"], run: edit },
  console: {
    help: "a domain's console in this terminal",
    parameters: ["domain", "devname?"],
    flags: ["force", "safe"],
    run: async (connection, given, where) => (await import("./console.ts")).openConsole(connection, given, where),
  },
  define: fileVerb(
    "defines a domain",
    "define",
    (connection, xml, given) => connection.domainDefineXml(xml, given.has("validate") ? { flags: "validate" } : {}),
    "defined",
    ["validate"],
  ),
  create: fileVerb(
    "creates a domain without a definition that stays",
    "create",
    (connection, xml, given) => connection.domainCreateXml(xml, { flags: given.words(creating) }),
    "created",
    Object.keys(creating),
  ),
  start,
  undefine: act(
    "forgets a domain's definition",
    "undefine",
    (name) => `Domain '${name}' has been undefined\n`,
    (domain, given) => {
      given.exclude("nvram", "keep-nvram");
      given.exclude("tpm", "keep-tpm");
      const flags = given.words(undefining);
      return domain.undefine(flags.length === 0 ? {} : { flags });
    },
    { flags: Object.keys(undefining) },
  ),
  destroy: act(
    "ends a domain at once",
    "destroy",
    (name) => `Domain '${name}' destroyed\n`,
    (domain, given) => {
      const flags = given.words(destroying);
      return domain.destroy(flags.length === 0 ? {} : { flags });
    },
    { flags: Object.keys(destroying) },
  ),
  shutdown: act(
    "asks a domain to shut down",
    "shutdown",
    (name) => `Domain '${name}' is being shutdown\n`,
    (domain, given) => domain.shutdown(modeFlags(given, ", or")),
    { parameters: ["domain", "mode?"] },
  ),
  reboot: act(
    "asks a domain to reboot",
    "reboot",
    (name) => `Domain '${name}' is being rebooted\n`,
    (domain, given) => domain.reboot(modeFlags(given, " or")),
    { parameters: ["domain", "mode?"] },
  ),
  reset: act(
    "resets a domain",
    "reset",
    (name) => `Domain '${name}' was reset\n`,
    (domain) => domain.reset(),
  ),
  suspend: act(
    "suspends a domain",
    "suspend",
    (name) => `Domain '${name}' suspended\n`,
    (domain) => domain.suspend(),
  ),
  resume: act(
    "resumes a domain",
    "resume",
    (name) => `Domain '${name}' resumed\n`,
    (domain) => domain.resume(),
  ),
  autostart: {
    help: "says that a domain starts with the daemon",
    parameters: ["domain"],
    flags: ["disable"],
    failure: (given) =>
      `Failed to ${given.has("disable") ? "un" : ""}mark domain '${given.need("domain")}' as autostarted`,
    run: changeAutostart,
  },
};

async function edit(connection: Connection, given: Given, where: Around): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const what = `Domain '${domain.name}' XML configuration`;
  const editing = await import("./edit.ts");
  const made = await editing.edit(where, {
    what,
    isChecked: !given.has("skip-validate"),
    read: () => domain.getXmlDesc({ flags: ["inactive", "secure"] }),
    write: (xml, isChecked) => connection.domainDefineXml(xml, isChecked ? { flags: "validate" } : {}),
  });
  return `${what} ${made === undefined ? "not changed" : "edited"}.\n`;
}

/** Said without asking. */
class AlreadyActive extends PlainFailure {
  override readonly message = "Domain is already active";
}
