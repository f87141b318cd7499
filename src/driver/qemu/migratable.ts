import type { Definition } from "../../model/index.ts";
import type { Element } from "../../xml/index.ts";
import { hideSecurityLabels } from "./definition/security-labels.ts";

/** What runs, as it can run later or elsewhere: without what belongs to this one run. */
export function migratable(definition: Definition): Definition {
  return definition.with((root) => {
    hideSecurityLabels(root);
    for (const device of root.first("devices")?.elements() ?? []) clean(device);
  });
}

function clean(device: Element): void {
  removeAll(device, "alias", (alias) => alias.attribute("name")?.startsWith("ua-") !== true);
  removeAll(device, "source", () => device.attribute("type") === "pty");
  device.removeAttribute("tty");
  device.first("target")?.removeAttribute("state");
}

function removeAll(parent: Element, name: string, isMeant: (child: Element) => boolean): void {
  for (const child of parent.all(name)) if (isMeant(child)) parent.children.splice(parent.children.indexOf(child), 1);
}
