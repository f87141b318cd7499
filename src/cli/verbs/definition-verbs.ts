import type { Connection, Domain } from "../../open/index.ts";
import { type Element, element, parseXml, writeXml } from "../../xml/index.ts";
import type { Around } from "./around.ts";
import { affected, affects, tell } from "./domain-act.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Given, PlainFailure, type Verbs } from "./verb.ts";

/** VIR_DOMAIN_METADATA_ELEMENT. */
const ofUri = 2;

async function metadata(connection: Connection, given: Given, where: Around): Promise<string> {
  const flags = affected(given);
  given.exclude("edit", "set");
  given.exclude("remove", "set");
  given.exclude("remove", "edit");
  const [key, text, uri] = [given.text("key"), given.text("set"), given.need("uri")];
  if ((text !== undefined || given.has("edit")) && key === undefined)
    throw new PlainFailure("namespace key is required when modifying metadata");
  const domain = await findDomain(connection, given.need("domain"));
  const write = (value: string | undefined): Promise<void> =>
    domain.setMetadata({ type: ofUri, metadata: value, key, uri }, { flags });
  if (given.has("remove")) {
    await write(undefined);
    return "Metadata removed\n";
  }
  if (text !== undefined) {
    await write(text);
    return "Metadata modified\n";
  }
  const read = (): Promise<string> => domain.getMetadata({ type: ofUri, uri }, { flags });
  if (!given.has("edit")) return `${await read()}\n`;
  const { edit } = await import("./edit.ts");
  const made = await edit(where, { what: "Metadata", read, write });
  return `Metadata ${made === undefined ? "not changed" : "modified"}`;
}

async function toNative(connection: Connection, given: Given): Promise<string> {
  const [name, file] = [given.text("domain"), given.text("xml")];
  given.exclude("domain", "xml");
  if (name === undefined && file === undefined) throw new PlainFailure("need either domain or domain XML");
  const inactive = ["inactive"] as const;
  const domainXml =
    file !== undefined
      ? readText(file)
      : await (await findDomain(connection, name ?? "")).getXmlDesc({ flags: [...inactive, "migratable", "secure"] });
  return connection.domainXmlToNative({ nativeFormat: given.need("format"), domainXml });
}

/** The memory device that is to be changed: the one that is named, or the only one. Throws PlainFailure. */
function memoryDevice(root: Element, given: Given): Element {
  const node = given.text("node");
  const alias = given.text("alias");
  const found = (root.first("devices")?.all("memory") ?? []).filter(
    (each) =>
      (node === undefined || each.find("target", "node")?.text === node) &&
      (alias === undefined || each.first("alias")?.attribute("name") === alias),
  );
  const [device] = found;
  if (device === undefined) throw new PlainFailure("no memory device found");
  if (found.length > 1) throw new PlainFailure("multiple memory devices found, use --alias or --node to select one");
  return device;
}

async function updateMemory(domain: Domain, given: Given): Promise<string> {
  given.exclude("node", "alias");
  const flags = affected(given);
  const isInactive = flags.includes("config");
  const { root } = parseXml(await domain.getXmlDesc({ flags: isInactive ? "inactive" : [] }));
  const device = memoryDevice(root, given);
  const bytes = given.bytes("requested-size", 1024n);
  if (bytes !== undefined) {
    const requested = device.find("target", "requested");
    if (requested === undefined) throw new PlainFailure("virtio-mem device is missing <requested/>");
    requested.setAttribute("unit", "KiB");
    requested.setText(String(bytes / 1024n));
  }
  const xml = writeXml(device);
  if (given.has("print-xml")) return xml;
  await domain.updateDeviceFlags(xml, { flags });
  return "";
}

/** Where somebody offers storage, as `find-storage-pool-sources-as` is told. */
function sourceSpec(given: Given): string | undefined {
  const [host, port, initiator] = [given.text("host"), given.text("port"), given.text("initiator")];
  if (host === undefined && initiator === undefined) {
    if (port !== undefined) throw new PlainFailure("missing host");
    return undefined;
  }
  const iqn = initiator === undefined ? undefined : element("iqn", { name: initiator });
  return writeXml(
    element("source", {}, [
      host === undefined ? undefined : element("host", { name: host, port }),
      iqn === undefined ? undefined : element("initiator", {}, [iqn]),
    ]),
  );
}

function findSources(connection: Connection, given: Given, srcSpec: string | undefined): Promise<string> {
  return connection.findStoragePoolSources({ type: given.need("type"), srcSpec });
}
const noSources = (given: Given): string => `Failed to find any ${given.need("type")} pool sources`;

/** What people script about definitions, beside `define`, `dumpxml` and `edit`. */
export const definitionVerbs: Verbs = {
  domdisplay: {
    help: "says where a domain's screen is, as a URI",
    parameters: ["domain", "type?"],
    flags: ["include-password", "all"],
    show: async (connection, given) => (await import("./display.ts")).displays(connection, given),
  },
  metadata: {
    help: "shows or says what a program keeps in a domain's definition",
    parameters: ["domain", "uri", "key?", "set?"],
    flags: [...affects, "edit", "remove"],
    run: metadata,
  },
  "domxml-from-native": {
    help: "turns a hypervisor's own configuration into a definition",
    parameters: ["format", "config"],
    run: (connection, given) =>
      connection.domainXmlFromNative({
        nativeFormat: given.need("format"),
        nativeConfig: readText(given.need("config")),
      }),
  },
  "domxml-to-native": {
    help: "turns a definition into a hypervisor's own configuration",
    parameters: ["format", "xml?"],
    texts: ["domain"],
    run: toNative,
  },
  "update-memory-device": tell("changes a memory device of a domain", updateMemory, {
    parameters: ["domain", "alias?", "node?#", "requested-size?#"],
    flags: [...affects, "print-xml"],
  }),
  "find-storage-pool-sources": {
    help: "looks for what could be a storage pool",
    parameters: ["type", "srcSpec?"],
    failure: noSources,
    run: (connection, given) => {
      const file = given.text("srcSpec");
      return findSources(connection, given, file === undefined ? undefined : readText(file));
    },
  },
  "find-storage-pool-sources-as": {
    help: "looks for what could be a storage pool, at a place that is said",
    parameters: ["type", "host?", "port?", "initiator?"],
    failure: noSources,
    run: (connection, given) => findSources(connection, given, sourceSpec(given)),
  },
};
