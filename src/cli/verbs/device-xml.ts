import { statSync } from "node:fs";
import { type Element, element } from "../../xml/index.ts";
import { diskAddress } from "./device-address.ts";
import { attributed, textual } from "./made-xml.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** A disk of what attach-disk is told. Throws PlainFailure. */
export function diskOf(given: Given): Element {
  const text = (name: string): string | undefined => given.text(name);
  const type = sourceType(given);
  const mode = text("mode") ?? (given.has("shareable") ? "shareable" : undefined);
  if (mode !== undefined && mode !== "readonly" && mode !== "shareable") {
    throw new PlainFailure(`No support for ${mode} in command 'attach-disk'`);
  }
  const driver = {
    name: text("driver"),
    type: text("subdriver"),
    iothread: text("iothread"),
    cache: text("cache"),
    io: text("io"),
  };
  const address = text("address");
  const rawio = given.has("rawio") ? "yes" : undefined;
  return element("disk", { type, rawio, device: text("type") }, [
    Object.values(driver).some((value) => value !== undefined) ? element("driver", driver) : undefined,
    diskSource(given, type),
    element("target", { dev: text("target"), bus: text("targetbus") }),
    mode === undefined ? undefined : element(mode),
    textual("serial", text("serial")),
    attributed("alias", "name", text("alias")),
    textual("wwn", text("wwn")),
    address === undefined ? undefined : diskAddress(address, given.need("target"), given.has("multifunction")),
  ]);
}

const sourceTypes = ["file", "block", "network"];

function sourceType(given: Given): string {
  for (const option of ["source-host-name", "source-host-transport", "source-host-socket"])
    given.require(option, "source-protocol");
  given.require("source-host-socket", "source-host-transport");
  const [type, isNetwork] = [given.text("sourcetype"), given.text("source-protocol") !== undefined];
  if (type === undefined) return isNetwork ? "network" : isBlockDevice(given.need("source")) ? "block" : "file";
  if (!sourceTypes.includes(type)) throw new PlainFailure(`Unknown source type: '${type}'`);
  if ((type === "network") !== isNetwork)
    throw new PlainFailure("--source-protocol option requires --sourcetype network");
  return type;
}

function diskSource(given: Given, type: string): Element | undefined {
  const source = given.need("source");
  if (type !== "network")
    return source === "" ? undefined : element("source", { [type === "block" ? "dev" : "file"]: source });
  const [transport, socket] = [given.text("source-host-transport"), given.text("source-host-socket")];
  // "host:port", "[::1]:port"
  const [, ipv6, name, port] = /^(?:\[(.*)\]|([^:]*))(?::(.*))?$/.exec(given.text("source-host-name") ?? "") ?? [];
  const host = { transport, name: (ipv6 ?? name) || undefined, port, socket };
  const isSaid = Object.values(host).some((value) => value !== undefined);
  return element("source", { protocol: given.need("source-protocol"), name: source }, [
    isSaid ? element("host", host) : undefined,
  ]);
}

function isBlockDevice(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isBlockDevice() ?? false;
}

/** How each type of card says what it is plugged into. */
const sources: Readonly<Record<string, string>> = {
  network: "network",
  bridge: "bridge",
  direct: "dev",
  vhostuser: "path",
};

/** A network card of what attach-interface is told. Throws PlainFailure. */
export function cardOf(given: Given): Element {
  const type = given.need("type");
  const key = Object.hasOwn(sources, type) ? sources[type] : undefined;
  if (key === undefined) throw new PlainFailure(`No support for ${type} in command 'attach-interface'`);
  const isServed = type === "vhostuser";
  const mode = given.text("source-mode");
  if (mode !== undefined && (!isServed || !["server", "client"].includes(mode))) {
    throw new PlainFailure(`Invalid source mode: ${mode}`);
  }
  const [inbound, outbound] = [rate("inbound", given), rate("outbound", given)];
  return element("interface", { type, managed: given.has("managed") ? "yes" : undefined }, [
    element("source", { type: isServed ? "unix" : undefined, [key]: given.need("source"), mode }),
    attributed("target", "dev", given.text("target")),
    attributed("mac", "address", given.text("mac")),
    attributed("script", "path", given.text("script")),
    attributed("model", "type", given.text("model")),
    attributed("alias", "name", given.text("alias")),
    inbound === undefined && outbound === undefined ? undefined : element("bandwidth", {}, [inbound, outbound]),
  ]);
}

/** "average,peak,burst,floor": all but the first may be left out. */
function rate(name: "inbound" | "outbound", given: Given): Element | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const [average, peak, burst, floor, more] = text.split(",");
  const isNumber = [average, peak, burst, floor].every((each) => each === undefined || /^\d*$/.test(each));
  if (!isNumber || more !== undefined) throw new PlainFailure(`Rate '${text}' for <${name}> option is malformed`);
  return element(name, {
    average: average || undefined,
    peak: peak || undefined,
    burst: burst || undefined,
    floor: floor || undefined,
  });
}
