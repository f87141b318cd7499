import type { Definition } from "../../model/index.ts";
import type { JsonObject, Monitor } from "../../qmp/index.ts";
import { Element } from "../../xml/index.ts";

/** The definition with the pseudo terminals filled in that QEMU has opened for its serial ports. */
export async function findTerminals(monitor: Monitor, definition: Definition): Promise<Definition> {
  if (!definition.serials.some(({ type }) => type === "pty")) return definition;
  const backends = (await monitor.execute("query-chardev")) as readonly JsonObject[];
  return definition.with((root) => {
    for (const [index, port] of (root.first("devices")?.all("serial") ?? []).entries()) {
      const name = backends.find(({ label }) => label === `charserial${index}`)?.["filename"];
      if (typeof name === "string" && name.startsWith("pty:")) setPath(port, name.slice("pty:".length));
    }
  });
}

function setPath(port: Element, path: string): void {
  port.setAttribute("tty", path);
  const source = port.first("source");
  if (source === undefined) port.insertAfter([], new Element("source", { path }));
  else source.setAttribute("path", path);
}
