import type { Element } from "../../../xml/index.ts";
import type { ChardevBackend, Part, Properties } from "./part.ts";
import { failure, flag, number, unsupported } from "./reading.ts";

/** The other end of a character device, as `<serial type='...'>` and its like say it. Throws VirError where there is none. */
export function characterBackend(element: Element, id: string, type = element.attribute("type") ?? "pty"): Part {
  const build = types[type];
  if (build === undefined) throw unsupported(`${nameOf(element)} of type '${type}' is not supported`);
  const { type: kind, data } = build(element);
  return { kind: "chardev", id, backend: { type: kind, data: { ...data, ...log(element) } } };
}

const types: Readonly<Record<string, (element: Element) => ChardevBackend>> = {
  pty: () => ({ type: "pty", data: {} }),
  null: () => ({ type: "null", data: {} }),
  file,
  dev: (element) => ({
    type: element.name === "parallel" ? "parallel" : "serial",
    data: { device: path(element) },
  }),
  pipe: (element) => ({ type: "pipe", data: { device: path(element) } }),
  unix,
  tcp,
  udp,
  spicevmc: (element) => ({ type: "spicevmc", data: { type: spiceName(element) } }),
  spiceport: (element) => ({ type: "spiceport", data: { fqdn: required(element.first("source"), "channel") } }),
  "qemu-vdagent": agent,
};

function file(element: Element): ChardevBackend {
  const source = element.first("source");
  return { type: "file", data: { out: path(element), append: flag(source, "append") ?? true } };
}

function unix(element: Element): ChardevBackend {
  const source = element.first("source");
  const mode = source?.attribute("mode") ?? "connect";
  return socket(element, { type: "unix", data: { path: path(element) } }, mode);
}

function tcp(element: Element): ChardevBackend {
  const source = element.first("source");
  if (flag(source, "tls") === true) throw unsupported(`${nameOf(element)} with TLS is not supported`);
  const protocol = element.first("protocol")?.attribute("type") ?? "raw";
  if (!["raw", "telnet"].includes(protocol))
    throw unsupported(`${nameOf(element)} with protocol '${protocol}' is not supported`);
  const mode = source?.attribute("mode") ?? "connect";
  const backend = socket(element, inet(source), mode);
  return { ...backend, data: { ...backend.data, telnet: protocol === "telnet" ? true : undefined } };
}

/** One that listens does not wait for the first to come. */
function socket(element: Element, addr: Properties, mode: string): ChardevBackend {
  if (mode !== "bind" && mode !== "connect")
    throw unsupported(`${nameOf(element)} with mode '${mode}' is not supported`);
  if (mode === "bind") return { type: "socket", data: { addr, server: true, wait: false } };
  const reconnect = element.first("source")?.first("reconnect") ?? element.first("reconnect");
  const seconds = flag(reconnect, "enabled") === true ? (number(reconnect, "timeout") ?? 1) : undefined;
  return { type: "socket", data: { addr, server: false, reconnect: seconds } };
}

/** Where it sends to is one `<source>`, where it listens may be another. */
function udp(element: Element): ChardevBackend {
  const sources = element.all("source");
  const remote = sources.find((source) => source.attribute("mode") !== "bind");
  const local = sources.find((source) => source.attribute("mode") === "bind");
  const own = local === undefined ? undefined : inet(local, "0");
  return { type: "udp", data: { remote: inet(remote), local: own } };
}

function inet(source: Element | undefined, defaultPort?: string): Properties {
  const host = source?.attribute("host") ?? "";
  const port = source?.attribute("service") ?? defaultPort;
  if (port === undefined) throw failure("Missing source service attribute for char device");
  return { type: "inet", data: { host, port } };
}

function agent(element: Element): ChardevBackend {
  const source = element.first("source");
  const mouse = source?.first("mouse")?.attribute("mode");
  return {
    type: "qemu-vdagent",
    data: {
      clipboard: flag(source?.first("clipboard"), "copypaste"),
      mouse: mouse === undefined ? undefined : mouse === "client",
    },
  };
}

function spiceName(element: Element): string {
  if (element.name === "redirdev") return "usbredir";
  return element.name === "smartcard" ? "smartcard" : "vdagent";
}

/** Where what passes is written down as well. */
function log(element: Element): Properties {
  const log = element.first("log");
  return log === undefined ? {} : { logfile: required(log, "file"), logappend: flag(log, "append") ?? false };
}

function path(element: Element): string {
  const path = element.first("source")?.attribute("path");
  if (path === undefined || path === "") {
    throw unsupported(`${nameOf(element)} of type '${element.attribute("type") ?? ""}' needs <source path='...'/>`);
  }
  return path;
}

function required(element: Element | undefined, name: string): string {
  const value = element?.attribute(name);
  if (value === undefined || value === "")
    throw failure(`<${element?.name ?? "source"}> needs the attribute '${name}'`);
  return value;
}

function nameOf({ name }: Element): string {
  return name === "serial" || name === "parallel" ? `${name} port` : name;
}
