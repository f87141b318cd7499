import type { Connection, Domain } from "../../open/index.ts";
import { Element, element, parseXml, writeXml } from "../../xml/index.ts";
import { cardOf, diskOf } from "./device-xml.ts";
import { act, affectedDevices, affects } from "./domain-act.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Doing, type Given, PlainFailure, type Verbs } from "./verb.ts";

type Places = readonly ("live" | "config")[];

/** As virsh: the call without flags where nothing is said. */
function options(places: Places, given: Given): { flags?: Places } {
  return places.length > 0 || given.has("current") ? { flags: places } : {};
}

const changes = {
  attach: (domain: Domain, xml: string, places: Places, given: Given) =>
    domain.attachDevice(xml, options(places, given)),
  detach: (domain: Domain, xml: string, places: Places, given: Given) =>
    domain.detachDevice(xml, options(places, given)),
  update: (domain: Domain, xml: string, places: Places, given: Given) =>
    domain.updateDeviceFlags(xml, { flags: [...places, ...given.words({ force: "force" } as const)] }),
};
type Change = keyof typeof changes;

/** A verb that takes a device from a file. */
function fromFile(help: string, change: Change, done: string, flags: readonly string[] = []): Doing {
  return {
    help,
    parameters: ["domain", "file"],
    flags: ["persistent", ...affects, ...flags],
    failure: (given) => `Failed to ${change} device from ${given.need("file")}`,
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      const places = await affectedDevices(domain, given);
      await changes[change](domain, readText(given.need("file")), places, given);
      return `Device ${done} successfully\n`;
    },
  };
}

/** A verb that makes a device of what it is told, or finds it in the definition. */
function made(
  help: string,
  change: Change,
  noun: string,
  device: (given: Given, domain: Domain) => Element | Promise<Element>,
  more: Partial<Doing>,
): Doing {
  return {
    help,
    ...more,
    flags: ["persistent", ...affects, "print-xml", ...(more.flags ?? [])],
    failure: () => `Failed to ${change} ${noun}`,
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      const places = await affectedDevices(domain, given);
      const xml = writeXml(await device(given, domain));
      if (given.has("print-xml")) return xml;
      await changes[change](domain, xml, places, given);
      return `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${change}ed successfully\n`;
    },
  };
}

/** The devices of this name, of the definition that a change is for. */
async function devicesOf(domain: Domain, given: Given, name: string): Promise<Element[]> {
  const isForLater = given.has("config") && !given.has("live");
  const xml = await domain.getXmlDesc({ flags: isForLater || given.has("persistent") ? "inactive" : [] });
  return parseXml(xml).root.first("devices")?.all(name) ?? [];
}

async function findDisk(given: Given, domain: Domain, name: string, kinds?: readonly string[]): Promise<Element> {
  const found = (await devicesOf(domain, given, "disk")).find((disk) => {
    const source = disk.first("source");
    const names = ["file", "dev", "dir", "name"].map((key) => source?.attribute(key));
    const isMeant = kinds === undefined || kinds.includes(disk.attribute("device") ?? "disk");
    return isMeant && [disk.first("target")?.attribute("dev"), ...names].includes(name);
  });
  if (found === undefined) throw new PlainFailure(`No disk found whose source path or target is ${name}`);
  return found;
}

async function findCard(given: Given, domain: Domain): Promise<Element> {
  const [type, mac] = [given.need("type"), given.text("mac")?.toLowerCase()];
  const cards = (await devicesOf(domain, given, "interface")).filter((card) => card.attribute("type") === type);
  if (cards.length === 0)
    throw new PlainFailure(`No interface found whose type is ${type}\nerror: Failed to detach interface`);
  const found =
    mac === undefined ? cards : cards.filter((card) => card.first("mac")?.attribute("address")?.toLowerCase() === mac);
  const [card, other] = found;
  if (card === undefined)
    throw new PlainFailure(
      `No interface with MAC address ${given.need("mac")} was found\nerror: Failed to detach interface`,
    );
  if (other !== undefined && mac === undefined) {
    throw new PlainFailure(
      `Domain has ${cards.length} interfaces. Please specify which one to detach using --mac\nerror: Failed to detach interface`,
    );
  }
  return card;
}

/** Another medium in a drive, or none. */
async function changeMedia(connection: Connection, given: Given): Promise<string> {
  given.exclude("eject", "insert", "update");
  given.exclude("eject", "block");
  const domain = await findDomain(connection, given.need("domain"));
  const places = await affectedDevices(domain, given);
  const path = given.need("path");
  const disk = await findDisk(given, domain, path, ["cdrom", "floppy"]);
  const source = given.text("source");
  const kind = given.all(["eject", "insert", "update"])[0] ?? (source === undefined ? "eject" : "update");
  const hasMedium = disk.first("source") !== undefined;
  if (kind !== "eject" && source === undefined) {
    throw new PlainFailure("New disk media source was not specified");
  }
  if (kind === "eject" && !hasMedium) throw new PlainFailure(`The disk device '${path}' doesn't have media`);
  if (kind === "insert" && hasMedium) throw new PlainFailure(`The disk device '${path}' already has media`);
  const rest = disk.children.filter((child) => child.kind !== "element" || child.name !== "source");
  disk.children.splice(0, disk.children.length, ...rest);
  if (source !== undefined && kind !== "eject") {
    const isBlock = given.has("block");
    disk.setAttribute("type", isBlock ? "block" : "file");
    disk.insertAfter(["driver"], element("source", { [isBlock ? "dev" : "file"]: source }));
  }
  const xml = writeXml(disk);
  if (given.has("print-xml")) return xml;
  await changes.update(domain, xml, places, given);
  return `Successfully ${kind.replace(/e$/, "")}ed media.`;
}

async function setLink(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const state = given.need("state");
  if (state !== "up" && state !== "down") throw new PlainFailure(`invalid link state '${state}'`);
  const card = await namedCard(given, domain);
  const link = card.first("link");
  if (link === undefined) card.insertAfter(["model", "target", "source", "mac"], element("link", { state }));
  else link.setAttribute("state", state);
  const xml = writeXml(card);
  if (given.has("print-xml")) return xml;
  const isActive = await domain.isActive();
  await domain.updateDeviceFlags(xml, { flags: given.has("config") || !isActive ? "config" : "live" });
  return "Device updated successfully\n";
}

async function getLink(connection: Connection, given: Given): Promise<string> {
  const card = await namedCard(given, await findDomain(connection, given.need("domain")));
  return `${given.need("interface")} ${card.first("link")?.attribute("state") ?? "up"}`;
}

/** By its device on the host, or by its MAC address. */
async function namedCard(given: Given, domain: Domain): Promise<Element> {
  const name = given.need("interface");
  const isMac = /^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(name);
  const found = (await devicesOf(domain, given, "interface")).find((card) =>
    isMac
      ? card.first("mac")?.attribute("address")?.toLowerCase() === name.toLowerCase()
      : card.first("target")?.attribute("dev") === name,
  );
  if (found === undefined) throw new PlainFailure(`Interface (${isMac ? "mac" : "dev"}: ${name}) not found.`);
  return found;
}

/** What people script about devices. */
export const deviceVerbs: Verbs = {
  "attach-device": fromFile("plugs a device that a file describes", "attach", "attached"),
  "detach-device": fromFile("unplugs a device that a file describes", "detach", "detached"),
  "update-device": fromFile("changes a device as a file describes", "update", "updated", ["force"]),
  "detach-device-alias": act(
    "unplugs the device with an alias",
    "detach device with alias from",
    () => "Device detach request sent successfully\n",
    async (domain, given) => {
      const flags = await affectedDevices(domain, given);
      await domain.detachDeviceAlias(given.need("alias"), {
        flags: (flags.includes("live") ? 1 : 0) | (flags.includes("config") ? 2 : 0),
      });
    },
    {
      parameters: ["domain", "alias"],
      flags: affects,
      failure: (given) => `Failed to detach device with alias ${given.need("alias")}`,
    },
  ),
  "attach-disk": made("plugs a disk", "attach", "disk", diskOf, {
    parameters: [
      "domain",
      "source",
      "target",
      "targetbus?",
      "driver?",
      "subdriver?",
      "iothread?",
      "cache?",
      "io?",
      "type?",
      "mode?",
      "sourcetype?",
      "serial?",
      "wwn?",
      "alias?",
      "address?",
      "source-protocol?",
      "source-host-name?",
      "source-host-transport?",
      "source-host-socket?",
    ],
    flags: ["rawio", "shareable", "multifunction"],
  }),
  "detach-disk": made(
    "unplugs a disk",
    "detach",
    "disk",
    (given, domain) => findDisk(given, domain, given.need("target")),
    { parameters: ["domain", "target"] },
  ),
  "attach-interface": made("plugs a network card", "attach", "interface", cardOf, {
    parameters: [
      "domain",
      "type",
      "source",
      "target?",
      "mac?",
      "script?",
      "model?",
      "alias?",
      "inbound?",
      "outbound?",
      "source-mode?",
    ],
    flags: ["managed"],
  }),
  "detach-interface": made("unplugs a network card", "detach", "interface", findCard, {
    parameters: ["domain", "type", "mac?"],
  }),
  "change-media": {
    help: "puts another medium into a drive, or none",
    parameters: ["domain", "path", "source?"],
    flags: ["eject", "insert", "update", ...affects, "force", "print-xml", "block"],
    failure: (given) => `Failed to complete action on media of ${given.need("path")}`,
    run: changeMedia,
  },
  "domif-setlink": {
    help: "plugs a network card's cable in, or out",
    parameters: ["domain", "interface", "state"],
    flags: ["config", "print-xml"],
    failure: () => "Failed to update interface link state",
    run: setLink,
  },
  "domif-getlink": {
    help: "says whether a network card's cable is in",
    parameters: ["domain", "interface"],
    flags: ["config"],
    run: getLink,
  },
};
