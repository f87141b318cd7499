import { Element } from "../../../xml/index.ts";
import { invalid, unsupported } from "../errors.ts";
import { attributes, type ChannelConfig } from "./parts.ts";

/** Where a serial port leads, in QEMU's words. Throws VirError. */
export function serialText(serial: Element): string {
  const type = serial.attribute("type") ?? "pty";
  const sources = serial.all("source");
  const [source] = sources;
  const path = source?.attribute("path") ?? "";
  switch (type) {
    case "null":
    case "vc":
    case "stdio":
    case "pty":
      return type;
    case "file":
    case "pipe":
      return `${type}:${path}`;
    case "dev":
      return path;
    case "unix":
      return `unix:${path}${source?.attribute("mode") === "bind" ? ",server,nowait" : ""}`;
    case "tcp": {
      const protocol = serial.first("protocol")?.attribute("type") === "telnet" ? "telnet" : "tcp";
      const wait = source?.attribute("mode") === "bind" ? ",server,nowait" : "";
      return `${protocol}:${source?.attribute("host") ?? ""}:${source?.attribute("service") ?? ""}${wait}`;
    }
    case "udp":
      return udpText(sources);
  }
  throw unsupported("unsupported chardev");
}

function udpText(sources: readonly Element[]): string {
  const place = (mode: string): string => {
    const source = sources.find((each) => each.attribute("mode") === mode);
    return `${source?.attribute("host") ?? ""}:${source?.attribute("service") ?? "0"}`;
  };
  return `udp:${place("connect")}@${place("bind")}`;
}

/** A serial port from what `serialText` writes, or a person has. Undefined when it is none. */
export function serialElement(text: string, port: number): Element | undefined {
  if (text === "none" || text === "") return undefined;
  const { type, children } = backend(text);
  return new Element("serial", { type }, [...children, new Element("target", { port: String(port) })]);
}

function backend(text: string): { type: string; children: Element[] } {
  const [, word = "", rest = ""] = /^(\w+):?(.*)$/s.exec(text) ?? [];
  if (["null", "vc", "stdio", "pty"].includes(text)) return { type: text, children: [] };
  const source = (fields: Readonly<Record<string, string>>): Element => new Element("source", fields);
  if (word === "file" || word === "pipe") return { type: word, children: [source({ path: rest })] };
  if (word === "udp") {
    const [connect = "", bind = ""] = rest.split("@");
    const places = [source({ mode: "bind", ...hostOf(bind) }), source({ mode: "connect", ...hostOf(connect) })];
    return { type: "udp", children: places };
  }
  const [place = "", ...options] = rest.split(",");
  const mode = options.some((option) => /^server\b/.test(option)) ? "bind" : "connect";
  if (word === "unix") return { type: "unix", children: [source({ mode, path: place })] };
  if (word === "tcp" || word === "telnet") {
    const protocol = new Element("protocol", { type: word === "tcp" ? "raw" : "telnet" });
    return { type: "tcp", children: [source({ mode, ...hostOf(place) }), protocol] };
  }
  return { type: "dev", children: [source({ path: text })] };
}

function hostOf(text: string): Record<string, string> {
  const [, host = "", service = ""] = /^(.*):([^:]*)$/s.exec(text) ?? [];
  return attributes({ host: host === "" ? undefined : host, service: service === "" ? undefined : service });
}

/** libxl's channel for a definition's. Throws VirError. */
export function channelConfig(channel: Element): ChannelConfig {
  const target = channel.first("target");
  if (target?.attribute("type") !== "xen") throw unsupported("channel target type not supported");
  const name = target.attribute("name");
  if (name === undefined) throw invalid("channel target name missing");
  const type = channel.attribute("type");
  if (type === "pty") return { name, "connection.pty": {} };
  if (type !== "unix") throw unsupported("channel source type not supported");
  const path = channel.first("source")?.attribute("path");
  if (path === undefined) throw unsupported("a channel of a guest of Xen needs the path of its socket");
  return { name, "connection.socket": { path } };
}

export function channelElement(channel: ChannelConfig): Element {
  const target = new Element("target", attributes({ type: "xen", name: channel.name }));
  const socket = channel["connection.socket"];
  if (socket === undefined) return new Element("channel", { type: "pty" }, [target]);
  const source = new Element("source", attributes({ mode: "bind", path: socket.path }));
  return new Element("channel", { type: "unix" }, [source, target]);
}
