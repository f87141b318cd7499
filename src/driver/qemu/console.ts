import type { Definition } from "../../model/index.ts";
import type { JsonObject, Monitor } from "../../qmp/index.ts";
import { Element } from "../../xml/index.ts";

const kinds = ["serial", "parallel", "console", "channel"];

/** The definition with the pseudo terminals filled in that QEMU has opened. */
export async function findTerminals(monitor: Monitor, definition: Definition): Promise<Definition> {
  if (terminalsIn(definition.root).length === 0) return definition;
  const backends = (await monitor.execute("query-chardev")) as readonly JsonObject[];
  return definition.with((root) => {
    for (const device of terminalsIn(root)) {
      const name = backends.find(({ label }) => label === `char${nameOf(root, device)}`)?.["filename"];
      if (typeof name === "string" && name.startsWith("pty:")) setTerminal(device, name.slice("pty:".length));
    }
  });
}

function terminalsIn(root: Element): Element[] {
  const devices = root.first("devices");
  return kinds.flatMap((kind) => devices?.all(kind) ?? []).filter((each) => each.attribute("type") === "pty");
}

/** A first console that stands for the first serial port has its name. */
function nameOf(root: Element, device: Element): string {
  const alias = device.first("alias")?.attribute("name");
  return alias ?? `${device.name}${root.first("devices")?.all(device.name).indexOf(device) ?? 0}`;
}

/** libvirt shows it in two places of a console, for the sake of those who look at the older one. */
export function setTerminal(device: Element, path: string): void {
  if (device.name === "console") device.setAttribute("tty", path);
  const source = device.first("source");
  if (source === undefined) device.insertAfter([], new Element("source", { path }));
  else source.setAttribute("path", path);
}
