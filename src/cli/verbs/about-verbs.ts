import { type Connection, type Domain, DomainDefinition, ErrorCode, VirError } from "../../open/index.ts";
import { affected, affects, tell } from "./domain-act.ts";
import { findDomain } from "./lookup.ts";
import { localTime } from "./table.ts";
import { type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

/** virDomainMetadataType. */
const metadata = { description: 0, title: 1 } as const;

/** Shows or sets a domain's description or title. */
async function desc(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const places = affected(given);
  const flags = (places.includes("live") ? 1 : 0) | (places.includes("config") ? 2 : 0);
  const kind = given.has("title") ? "title" : "description";
  const words = given.list("new-desc");
  if (words.length > 0) {
    await domain.setMetadata({ type: metadata[kind], metadata: words.join(" ") }, { flags });
    return `Domain ${kind} updated successfully`;
  }
  const text = await domain.getMetadata({ type: metadata[kind] }, { flags }).catch(unlessNone);
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

const controlStates = ["ok", "background job", "occupied", "error"];

async function control(domain: Domain): Promise<string> {
  const { state, stateTime } = await domain.getControlInfo();
  const word = controlStates[state] ?? "unknown";
  return state === 0 || state === 3 ? word : `${word} (${(Number(stateTime) / 1000).toFixed(3)}s)`;
}

async function time(domain: Domain, given: Given): Promise<string> {
  const { seconds } = await domain.getTime();
  return given.has("pretty") ? `Time: ${localTime(Number(seconds) * 1000)}` : `Time: ${seconds}`;
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
    flags: ["title", ...affects],
    failure: () => "Failed to set new domain description",
    run: desc,
  },
  domrename: { help: "renames a domain", parameters: ["domain", "new-name"], run: rename },
  vncdisplay: tell("says where a domain's screen is, for VNC", vncDisplay),
  ttyconsole: tell("says which terminal a domain's console is", consolePath),
  domcontrol: tell("says whether a domain's hypervisor can be reached", control),
  domhostname: tell("says what a guest calls itself", (domain) => domain.getHostname()),
  domtime: tell("says what a guest's clock says", time, { flags: ["pretty"] }),
  domblkerror: { help: "lists a domain's disks that have failed", parameters: ["domain"], run: blockErrors },
  domfsinfo: {
    help: "lists what a guest has mounted",
    parameters: ["domain"],
    failure: () => "Unable to get filesystem information",
    show: fileSystems,
  },
  "inject-nmi": { help: "sends a guest an interrupt that it cannot mask", parameters: ["domain"], run: injectNmi },
};
