import { type Connection, DomainDefinition, parseUri } from "../../open/index.ts";
import type { Element } from "../../xml/index.ts";
import { findDomain } from "./lookup.ts";
import { type Facts, type Given, PlainFailure } from "./verb.ts";

const schemes = ["vnc", "spice", "rdp", "dbus"];
const wildcards = ["0.0.0.0", "::"];

/** domdisplay: where the screens of a domain are, as URIs. */
export async function displays(connection: Connection, given: Given): Promise<Facts> {
  const domain = await findDomain(connection, given.need("domain"));
  if (!(await domain.isActive())) throw new PlainFailure("Domain is not running");
  const isSecret = given.has("include-password");
  const { root } = DomainDefinition.parse(await domain.getXmlDesc({ flags: isSecret ? "secure" : [] }));
  const graphics = root.first("devices")?.all("graphics") ?? [];
  const type = given.text("type");
  const chosen = schemes
    .filter((scheme) => type === undefined || type === scheme)
    .flatMap((scheme) => graphics.filter((each) => each.attribute("type") === scheme).slice(0, 1));
  const found = chosen.map((each) => uriOf(each, hostOf(connection, each))).filter((uri) => uri !== undefined);
  const shown = given.has("all") ? found : found.slice(0, 1);
  if (shown.length === 0)
    throw new PlainFailure(
      type === undefined ? "No graphical display found" : `No graphical display with type '${type}' found`,
    );
  return { text: shown.map((uri) => `${uri}\n`).join(""), object: shown };
}

/** Undefined where it is this machine. What listens everywhere is where we have found the hypervisor. */
function hostOf({ uri }: Connection, graphics: Element): string | undefined {
  const listen = graphics.attribute("listen") ?? graphics.first("listen")?.attribute("address");
  if (listen === undefined || !wildcards.includes(listen)) return listen;
  return (uri && parseUri(uri).host) || undefined;
}

function uriOf(graphics: Element, host: string | undefined): string | undefined {
  const scheme = graphics.attribute("type") ?? "";
  const socket = graphics.attribute("socket") ?? graphics.first("listen")?.attribute("socket");
  const password = graphics.attribute("passwd");
  if (scheme === "dbus") return graphics.attribute("address");
  if (socket !== undefined) return `${scheme}+unix://${socket}`;
  const port = Number(graphics.attribute("port") ?? -1);
  const tlsPort = Number(graphics.attribute("tlsPort") ?? -1);
  if (port <= 0 && tlsPort <= 0) return undefined;
  const user = scheme === "vnc" && password !== undefined ? `:${password}@` : "";
  const place = host === undefined ? "localhost" : host.includes(":") ? `[${host}]` : host;
  // VNC's clients count from 5900.
  const shownPort = port <= 0 ? "" : `:${scheme === "vnc" ? port - 5900 : port}`;
  const params = [
    ...(tlsPort > 0 ? [`tls-port=${tlsPort}`] : []),
    ...(scheme === "spice" && password !== undefined ? [`password=${password}`] : []),
  ];
  return `${scheme}://${user}${place}${shownPort}${params.length === 0 ? "" : `?${params.join("&")}`}`;
}
