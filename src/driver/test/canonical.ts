import { Definition } from "../../model/index.ts";
import { Element, type Pause, shortLength } from "../../xml/index.ts";
import { arrangeDomain } from "../domain-places.ts";
import { writeWithMetadata } from "../objects/metadata-text.ts";
import { completeIoThreadIds } from "../tuning/io-thread-list.ts";
import { addDriveAddresses } from "./drive-address.ts";

/** Reads a definition and brings it to libvirt's form. Throws VirError. */
export function parseDefinition(xml: string): Definition {
  return Definition.parse(xml, canonical);
}

/** As `parseDefinition`, at once when the text is short, else with pauses. */
export function readDefinition<T>(xml: string, pause: Pause, use: (definition: Definition) => T): T | Promise<T> {
  if (xml.length <= shortLength) return use(parseDefinition(xml));
  return Definition.parseWithPauses(xml, pause, canonical).then(use);
}

/** A definition that is part of another document. */
export function definitionOf(root: Element): Definition {
  return Definition.of(root, canonical);
}

/** Another definition, changed by `edit`. */
export function changed(definition: Definition, edit: (root: Element) => void): Definition {
  return definition.with(edit, canonical);
}

/**
 * What libvirt's test hypervisor makes of a definition: parts in its order, defaults and drive addresses filled in.
 * Unknown elements stay.
 */
function canonical(root: Element, { osType }: Definition): void {
  root.removeAttribute("id");
  fillDefaults(root, osType);
  completeIoThreadIds(root);
  const devices = root.first("devices");
  if (devices !== undefined) addDriveAddresses(devices);
  arrangeDomain(root);
}

function fillDefaults(root: Element, osType: string): void {
  const os = root.first("os");
  const type = os?.first("type");
  if (type?.attribute("arch") === undefined) type?.setAttribute("arch", "i686");
  if (osType === "hvm" && os?.first("boot") === undefined) os?.children.push(new Element("boot", { dev: "hd" }));
  if (root.first("clock") === undefined) root.children.push(new Element("clock", { offset: "utc" }));
  const actions = { on_poweroff: "destroy", on_reboot: "restart", on_crash: "destroy" };
  for (const [name, action] of Object.entries(actions)) {
    if (root.first(name) === undefined) root.children.push(Element.leaf(name, action));
  }
  if (root.first("devices") === undefined) root.children.push(new Element("devices"));
  const vcpu = root.first("vcpu");
  if (vcpu?.attribute("current") === vcpu?.text.trim()) vcpu?.removeAttribute("current");
}

interface Shown {
  readonly id: number | undefined;
  readonly text: string;
}

/** What was shown last, oldest first: who watches a domain asks for the same again and again. */
const shown = new Map<Definition, Shown>();
const mostShown = 16;

/** As `virsh dumpxml` shows it; `id` is that of the running domain. An empty list of devices takes two lines. */
export function formatDefinition(definition: Definition, id?: number): string {
  const known = shown.get(definition);
  if (known !== undefined && known.id === id) return known.text;
  const text = write(definition, id);
  shown.delete(definition);
  if (text.length <= shortLength) shown.set(definition, { id, text });
  for (const oldest of shown.keys()) if (shown.size > mostShown) shown.delete(oldest);
  return text;
}

function write({ root }: Definition, id: number | undefined): string {
  const attributes = id === undefined ? root.attributes : [...root.attributes, { name: "id", value: String(id) }];
  return writeWithMetadata(new Element(root.name, attributes, root.children, root.uri), (text) =>
    text.replace("  <devices/>\n", "  <devices>\n  </devices>\n"),
  );
}
