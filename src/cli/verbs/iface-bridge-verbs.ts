import { type Connection, ErrorCode, type Interface, VirError } from "../../open/index.ts";
import { type Element, element, parseXml, writeXml } from "../../xml/index.ts";
import type { Around } from "./around.ts";
import { explained } from "./lookup.ts";
import { type Given, PlainFailure, type Verbs } from "./verb.ts";

/** What a device keeps for itself when it becomes a part of a bridge; addresses and the like are then the bridge's. */
const ownParts = ["mac", "bond", "vlan"];

/** By its name alone: a bridge is made for what is configured, not for a card. */
function findByName(connection: Connection, name: string): Promise<Interface> {
  return explained(connection.interfaceLookupByName(name), `failed to get interface '${name}'`);
}

/** An interface's configuration. Throws PlainFailure for one without a type or with another name. */
async function configurationOf(interface_: Interface, given: string): Promise<Element> {
  const { root } = parseXml(await interface_.getXmlDesc({ flags: "inactive" }));
  if (root.attribute("type") === undefined) throw new PlainFailure(`Existing device ${given} has no type`);
  return root;
}

/** Throws PlainFailure. */
function checkName(root: Element, given: string): void {
  const name = root.attribute("name");
  if (name === given) return;
  throw new PlainFailure(`Interface name from config ${name} doesn't match given supplied name ${given}`);
}

/** What is a device's own goes where the device goes. */
function moveOwnParts(from: Element, to: Element): void {
  const moved = from.elements().filter(({ name }) => ownParts.includes(name));
  from.children.splice(0, from.children.length, ...from.children.filter((each) => !moved.includes(each as Element)));
  to.children.push(...moved);
}

function bridged(root: Element, bridge: string, given: Given): Element {
  const [type = "", name = ""] = [root.attribute("type"), root.attribute("name")];
  const stp = given.has("no-stp") ? { stp: "off" } : { stp: "on", delay: String(given.number("delay") ?? 0) };
  const inner = element("interface", { type, name });
  moveOwnParts(root, inner);
  root.setAttribute("type", "bridge");
  root.setAttribute("name", bridge);
  root.children.push(element("bridge", stp, [inner]));
  return root;
}

async function bridge(connection: Connection, given: Given, where: Around): Promise<string> {
  const [device, name] = [given.need("interface"), given.need("bridge")];
  const found = await findByName(connection, device);
  if (await exists(connection, name)) throw new PlainFailure(`Network device ${name} already exists`);
  given.number("delay");
  const root = await configurationOf(found, device);
  if (root.attribute("type") === "bridge") throw new PlainFailure(`Existing device ${device} is already a bridge`);
  checkName(root, device);
  const xml = writeXml(bridged(root, name, given));
  const made = await explained(connection.interfaceDefineXml(xml), `Failed to define new bridge interface ${name}`);
  where.out(`Created bridge ${name} with attached device ${device}\n`);
  if (given.has("no-start")) return "";
  await explained(made.create(), `Failed to start bridge interface ${name}`);
  return `Bridge interface ${name} started\n`;
}

async function exists(connection: Connection, name: string): Promise<boolean> {
  try {
    await connection.interfaceLookupByName(name);
    return true;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noInterface) return false;
    throw error;
  }
}

/** The one device of a bridge. Throws PlainFailure for none, and for several. */
function attachedTo(root: Element, name: string): Element {
  const inside = root.first("bridge");
  if (inside === undefined) throw new PlainFailure("No bridge node in xml document");
  const [device, ...others] = inside.all("interface");
  if (others.length > 0) throw new PlainFailure("Multiple interfaces attached to bridge");
  if (device === undefined) throw new PlainFailure("No interface attached to bridge");
  if (device.attribute("name") === undefined) throw new PlainFailure(`Device attached to bridge ${name} has no name`);
  if (device.attribute("type") === undefined)
    throw new PlainFailure(`Attached device ${device.attribute("name")} has no type`);
  return device;
}

async function unbridge(connection: Connection, given: Given, where: Around): Promise<string> {
  const name = given.need("bridge");
  const found = await findByName(connection, name);
  const root = await configurationOf(found, name);
  if (root.attribute("type") !== "bridge") throw new PlainFailure(`Device ${name} is not a bridge`);
  checkName(root, name);
  const inner = attachedTo(root, name);
  const [type = "", device = ""] = [inner.attribute("type"), inner.attribute("name")];
  root.children.splice(root.children.indexOf(root.first("bridge") as Element), 1);
  moveOwnParts(inner, root);
  root.setAttribute("type", type);
  root.setAttribute("name", device);
  await explained(found.destroy(), `Failed to destroy bridge interface ${name}`);
  await explained(found.undefine(), `Failed to undefine bridge interface ${name}`);
  const defining = connection.interfaceDefineXml(writeXml(root));
  const made = await explained(defining, `Failed to define new interface ${device}`);
  where.out(`Device ${device} un-attached from bridge ${name}\n`);
  if (given.has("no-start")) return "";
  await explained(made.create(), `Failed to start interface ${device}`);
  return `Interface ${device} started\n`;
}

/** What people script about bridges of the host. */
export const ifaceBridgeVerbs: Verbs = {
  "iface-bridge": {
    help: "makes a bridge of the host's, with one of its devices in it",
    parameters: ["interface", "bridge", "delay?#"],
    flags: ["no-stp", "no-start"],
    run: bridge,
  },
  "iface-unbridge": {
    help: "takes a bridge of the host's away from the device in it",
    parameters: ["bridge"],
    flags: ["no-start"],
    run: unbridge,
  },
};
