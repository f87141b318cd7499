import type { Definition } from "../../model/index.ts";
import { Element } from "../../xml/index.ts";
import { ensure, setDefault } from "../objects/element-edit.ts";
import { guestKind } from "./definition/complete.ts";
import { dropMadeName } from "./definition/devices.ts";

/** Where displays that have no port of their own are looked for from. */
const firstPort = 5_900;
const local = "127.0.0.1";

/**
 * A definition with the ports that its displays get for this run, and without what the run before has added. Rejects when
 * no port is free.
 */
export async function prepareRun(given: Definition, freePort: (first: number) => Promise<number>): Promise<Definition> {
  const definition = withoutRunNames(given);
  const wanting = graphicsOf(definition.root).filter((each) => each.attribute("autoport") === "yes").length;
  if (wanting === 0) return definition;
  const ports: number[] = [];
  for (let index = 0; index < wanting; index++) ports.push(await freePort(firstPort));
  return definition.with((root) => {
    for (const graphics of graphicsOf(root)) {
      if (graphics.attribute("autoport") !== "yes") continue;
      graphics.setAttribute("port", String(ports.shift() ?? firstPort));
      const listen = ensure(graphics, "listen", { type: "address" });
      setDefault(listen, "address", local);
      graphics.setAttribute("listen", listen.attribute("address") ?? local);
    }
  });
}

function graphicsOf(root: Element): Element[] {
  return root.first("devices")?.all("graphics") ?? [];
}

function withoutRunNames(definition: Definition): Definition {
  const { root } = definition;
  const isMade = (device: Element): boolean => device.first("target")?.attribute("dev")?.startsWith("vif") === true;
  if (root.first("devices")?.all("interface").some(isMade) !== true) return definition;
  return definition.with((copy) => {
    for (const device of copy.first("devices")?.all("interface") ?? []) dropMadeName(device);
  });
}

/** With the names that Xen's own scripts give the host's side of network cards. */
export function withRunNames(definition: Definition, domid: number): Definition {
  const isHvm = guestKind(definition.root) === "hvm";
  if (definition.root.find("devices", "interface") === undefined) return definition;
  return definition.with((root) => {
    for (const [index, device] of (root.first("devices")?.all("interface") ?? []).entries()) {
      const isEmulated = isHvm && device.first("model")?.attribute("type") !== "netfront";
      const name = `vif${domid}.${index}${isEmulated ? "-emu" : ""}`;
      const target = device.first("target");
      if (target?.attribute("dev") !== undefined) continue;
      const at = device.children.findLastIndex(
        (node) =>
          node.kind === "element" &&
          ["mac", "source", "bandwidth", "ip", "script", "backenddomain"].includes(node.name),
      );
      if (target === undefined) device.children.splice(at + 1, 0, new Element("target", { dev: name }));
      else target.setAttribute("dev", name);
    }
  });
}
