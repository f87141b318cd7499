import { type Connection, type Domain, DomainDefinition, ErrorCode, VirError } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { affected, affects, tell } from "./domain-act.ts";
import { findDomain } from "./lookup.ts";
import { localTime } from "./table.ts";
import { type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

/** virDomainMetadataType. */
const metadata = { description: 0, title: 1 } as const;

/** Shows or sets a domain's description or title. */
async function desc(connection: Connection, given: Given, where: Around): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const places = affected(given);
  const flags = (places.includes("live") ? 1 : 0) | (places.includes("config") ? 2 : 0);
  const kind = given.has("title") ? "title" : "description";
  const words = given.list("new-desc");
  const write = (text: string) => domain.setMetadata({ type: metadata[kind], metadata: text }, { flags });
  const read = () => domain.getMetadata({ type: metadata[kind] }, { flags }).catch(unlessNone);
  if (given.has("edit")) {
    const { edit } = await import("./edit.ts");
    const made = await edit(where, {
      what: `Domain ${kind}`,
      read: async () => (words.length > 0 ? words.join(" ") : ((await read()) ?? "")),
      // Editors end the last line.
      write: (text) => write(text.replace(/\n$/, "")).then(() => true),
    });
    if (made === true) return `Domain ${kind} updated successfully`;
    if (words.length === 0) return `Domain ${kind} not changed\n`;
  }
  if (words.length > 0) {
    await write(words.join(" "));
    return `Domain ${kind} updated successfully`;
  }
  const text = await read();
  return text === undefined ? `No ${kind} for domain: ${domain.name}` : text;
}

function unlessNone(error: unknown): undefined {
  if (!(error instanceof VirError) || error.code !== ErrorCode.noDomainMetadata) throw error;
}

async function rename(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  await domain.rename(given.need("new-name"));
  return "Domain successfully renamed\n";
}

/** The display's port counted from 5900, as VNC's clients take it. */
async function vncDisplay(domain: Domain): Promise<string> {
  const { root } = DomainDefinition.parse(await domain.getXmlDesc());
  const vnc = root
    .first("devices")
    ?.all("graphics")
    .find((graphics) => graphics.attribute("type") === "vnc");
  const port = Number(vnc?.attribute("port") ?? -1);
  if (port < 0) throw new PlainFailure("Failed to get VNC port. Is this domain using VNC?");
  const listen = vnc?.first("listen")?.attribute("address") ?? vnc?.attribute("listen");
  return `${listen === undefined || listen === "0.0.0.0" ? "" : listen}:${port - 5900}`;
}

async function consolePath(domain: Domain): Promise<string> {
  const { root } = DomainDefinition.parse(await domain.getXmlDesc());
  const path = root.find("devices", "console")?.attribute("tty");
  if (path === undefined) throw new PlainFailure(`domain '${domain.name}' has no terminal as its console`);
  return path;
}

/** virDomainGetHostnameFlags: who is asked. */
const hostnameSources: Readonly<Record<string, number>> = { lease: 1, agent: 2 };

function hostname(domain: Domain, given: Given): Promise<string> {
  const source = given.text("source");
  if (source === undefined) return domain.getHostname();
  const flags = Object.hasOwn(hostnameSources, source) ? hostnameSources[source] : undefined;
  if (flags === undefined) throw new PlainFailure(`Unknown data source '${source}'`);
  return domain.getHostname({ flags });
}

const controlStates = ["ok", "background job", "occupied", "error"];

async function control(domain: Domain): Promise<string> {
  const { state, stateTime } = await domain.getControlInfo();
  const word = controlStates[state] ?? "unknown";
  return state === 0 || state === 3 ? word : `${word} (${(Number(stateTime) / 1000).toFixed(3)}s)`;
}

/** virDomainSetTimeFlags: from the guest's hardware clock. */
const fromHardware = 1;

/** Says what a guest's clock says, or sets it. */
async function time(connection: Connection, given: Given): Promise<string> {
  given.exclude("time", "now");
  given.exclude("time", "sync");
  given.exclude("now", "sync");
  const domain = await findDomain(connection, given.need("domain"));
  const wanted = given.has("now") ? Math.floor(Date.now() / 1000) : given.number("time");
  if (wanted !== undefined || given.has("sync")) {
    const flags = given.has("sync") ? fromHardware : 0;
    await domain.setTime({ seconds: wanted ?? 0, nseconds: 0 }, { flags });
    return "";
  }
  const { seconds } = await domain.getTime();
  return `Time: ${given.has("pretty") ? localTime(Number(seconds) * 1000) : seconds}\n`;
}

async function blockErrors(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const errors = await domain.getDiskErrors();
  const words = ["no error", "unspecified error", "no space"];
  if (errors.length === 0) return "No errors found";
  return errors.map(({ disk, error }) => `${disk}: ${words[error] ?? "unknown"}\n`).join("");
}

async function fileSystems(connection: Connection, given: Given): Promise<Listing> {
  const domain = await findDomain(connection, given.need("domain"));
  const found = await domain.getFsinfo();
  return {
    columns: ["Mountpoint", "Name", "Type", "Target"],
    rows: found.map(({ mountpoint, name, fstype, devAliases }) => [mountpoint, name, fstype, devAliases.join(",")]),
    objects: found,
  };
}

async function injectNmi(connection: Connection, given: Given): Promise<string> {
  await (await findDomain(connection, given.need("domain"))).injectNmi();
  return "";
}

/** What people ask about a domain, and of its guest. */
export const aboutVerbs: Verbs = {
  desc: {
    help: "shows or sets a domain's description or title",
    parameters: ["domain", "new-desc?..."],
    flags: ["title", "edit", ...affects],
    failure: () => "Failed to set new domain description",
    run: desc,
  },
  domrename: { help: "renames a domain", parameters: ["domain", "new-name"], run: rename },
  vncdisplay: tell("says where a domain's screen is, for VNC", vncDisplay),
  ttyconsole: tell("says which terminal a domain's console is", consolePath),
  domcontrol: tell("says whether a domain's hypervisor can be reached", control),
  domhostname: tell("says what a guest calls itself", hostname, {
    parameters: ["domain", "source?"],
    failure: () => "failed to get hostname",
  }),
  domtime: {
    help: "says what a guest's clock says, or sets it",
    parameters: ["domain", "time?#"],
    flags: ["now", "pretty", "sync"],
    run: time,
  },
  domblkerror: { help: "lists a domain's disks that have failed", parameters: ["domain"], run: blockErrors },
  domfsinfo: {
    help: "lists what a guest has mounted",
    parameters: ["domain"],
    failure: () => "Unable to get filesystem information",
    show: fileSystems,
  },
  "inject-nmi": { help: "sends a guest an interrupt that it cannot mask", parameters: ["domain"], run: injectNmi },
};
