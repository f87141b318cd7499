import { plain } from "./json.ts";
import { optionText, scalar } from "./option-text.ts";
import { type ChardevBackend, Descriptor, type Part, type Properties, secretDescriptor, type Value } from "./part.ts";

/** The number that a descriptor will have in QEMU, by its name. */
export type Numbering = (name: string) => number;

/**
 * A part as QEMU's arguments. What comes from a definition is inside JSON, alone in a word, or has its commas doubled. A
 * command has no arguments: it is for the monitor.
 */
export function argumentsOf(part: Part, numberOf: Numbering): string[] {
  switch (part.kind) {
    case "argument":
      return [...part.words];
    case "command":
      return [];
    case "secret": {
      const file = new Descriptor([secretDescriptor(part.id, part.bytes)], "/dev/fd/");
      const properties = { "qom-type": "secret", id: part.id, format: "raw", file };
      return ["-object", json(properties, numberOf)];
    }
    case "chardev":
      return ["-chardev", chardevText(part.id, part.backend, numberOf)];
    case "object":
    case "blockdev":
    case "netdev":
    case "device":
      return [`-${part.kind}`, json(part.properties, numberOf)];
  }
}

function json(properties: Properties, numberOf: Numbering): string {
  return JSON.stringify(plain(properties, (descriptor) => numbersOf(descriptor, numberOf)));
}

function numbersOf({ requests, prefix }: Descriptor, numberOf: Numbering): string {
  return requests.map(({ name }) => `${prefix}${numberOf(name)}`).join(":");
}

/** QEMU 7.2 takes no JSON for these, and its option names are not those of QMP. */
function chardevText(id: string, { type, data }: ChardevBackend, numberOf: Numbering): string {
  const options: Options = { id };
  // Of UDP one of the two ends may be left to QEMU.
  for (const [key, value] of Object.entries(data))
    if (value !== undefined) Object.assign(options, chardevOptions(type, key, value, numberOf));
  return `${type},${optionText(options)}`;
}

/** By backend: what QMP calls otherwise than the argument does. */
const optionNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: { out: "path", in: "input-path" },
  serial: { device: "path" },
  parallel: { device: "path" },
  pipe: { device: "path" },
  spicevmc: { type: "name" },
  spiceport: { fqdn: "name" },
};

type Options = Record<string, string | number | boolean | undefined>;

function chardevOptions(type: string, key: string, value: Value, numberOf: Numbering): Options {
  if (key === "addr" || key === "remote") return addressOptions(value as Properties, numberOf, "");
  if (key === "local") return addressOptions(value as Properties, numberOf, "local");
  return { [optionNames[type]?.[key] ?? key]: scalar(value) };
}

/** A SocketAddress. Of UDP's own end the names are longer. */
function addressOptions({ type, data }: Properties, numberOf: Numbering, side: "" | "local"): Options {
  const { host, port, path, str } = data as Properties;
  if (type === "fd") return { fd: str instanceof Descriptor ? numbersOf(str, numberOf) : scalar(str) };
  if (type === "unix") return { path: scalar(path) };
  return side === ""
    ? { host: scalar(host), port: scalar(port) }
    : { localaddr: scalar(host), localport: scalar(port) };
}
