import type { Definition } from "../../../model/index.ts";
import { Element } from "../../../xml/index.ts";
import { remove } from "../../objects/element-edit.ts";
import { writeWithMetadata } from "../../objects/metadata-text.ts";
import { hideSecurityLabels, holdsRunLabels } from "./security-labels.ts";
import { holdsVolumes, showVolumes } from "./volume-sources.ts";

export interface DumpOptions {
  /** Of the running domain; absent: it does not run, or is not shown so. */
  readonly id?: number | undefined;
  /** With passwords. */
  readonly secure?: boolean;
  /** As an older libvirt can take it: without what that would add by itself. */
  readonly migratable?: boolean;
}

/** A definition as `virsh dumpxml` shows it. */
export function dumpDefinition(definition: Definition, { id, secure, migratable }: DumpOptions = {}): string {
  const whole = definition.root;
  const isDefinition = id === undefined && holdsRunLabels(whole);
  const isEdited = migratable === true || isDefinition || holdsSecrets(whole) || holdsVolumes(whole);
  const root = isEdited ? whole.clone() : whole;
  showVolumes(root);
  if (secure !== true) hideSecrets(root);
  if (migratable === true) makeMigratable(root);
  if (isDefinition) hideSecurityLabels(root);
  const [type, ...others] = root.attributes;
  const own = id === undefined ? [] : [{ name: "id", value: String(id) }];
  const attributes = type === undefined ? own : [type, ...own, ...others];
  return writeWithMetadata(new Element(root.name, attributes, root.children, root.uri), (text) => text);
}

function holdsSecrets(root: Element): boolean {
  return (
    root
      .first("devices")
      ?.all("graphics")
      .some((each) => each.attribute("passwd") !== undefined) === true
  );
}

function hideSecrets(root: Element): void {
  for (const graphics of root.first("devices")?.all("graphics") ?? []) graphics.removeAttribute("passwd");
}

/** The first USB controller, the root bus, the keyboard and a backend for sound once came by themselves. */
function makeMigratable(root: Element): void {
  const devices = root.first("devices");
  if (devices === undefined) return;
  const controllers = devices.all("controller");
  const ofType = (type: string): Element[] => controllers.filter((each) => each.attribute("type") === type);
  const usb = ofType("usb");
  const [only] = usb;
  if (usb.length === 1 && only?.attribute("model") === "piix3-uhci" && only.attribute("index") === "0") {
    remove(devices, only);
  }
  const pci = ofType("pci");
  if (pci.length === 1 && pci[0]?.attribute("model") === "pci-root") remove(devices, pci[0]);
  for (const input of devices.all("input")) {
    if (input.attribute("type") === "keyboard" && input.attribute("bus") === "ps2") remove(devices, input);
  }
  const [audio, ...others] = devices.all("audio");
  if (others.length === 0 && audio?.elements().length === 0) remove(devices, audio);
}
