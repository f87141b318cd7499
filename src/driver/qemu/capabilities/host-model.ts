import type { Definition } from "../../../model/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { Capabilities } from "./capabilities.ts";
import { guestModel } from "./guest-model.ts";

/**
 * The definition of a run, with the model that `host-model` stands for on this host and with this QEMU: what a guest sees must
 * not change when the host does, while it runs. What the definition says of features itself holds. Rejects with VirError.
 */
export async function withHostModel(definition: Definition, capabilities: Capabilities): Promise<Definition> {
  const { root, type } = definition;
  if (root.first("cpu")?.attribute("mode") !== "host-model") return definition;
  const kind = root.find("os", "type");
  const { facts } = await capabilities.find({
    emulator: definition.textOf("devices", "emulator"),
    arch: kind?.attribute("arch"),
    machine: kind?.attribute("machine"),
    type,
  });
  const model = guestModel(facts);
  if (model === undefined) return definition;
  return definition.with((copy) => describe(copy.first("cpu"), model));
}

function describe(cpu: Element | undefined, model: readonly Element[]): void {
  if (cpu === undefined) return;
  const own = new Set(cpu.all("feature").map((feature) => feature.attribute("name")));
  const kept = cpu.children.filter((node) => node.kind !== "element" || !["model", "vendor"].includes(node.name));
  const features = model.filter((each) => each.name === "feature" && !own.has(each.attribute("name")));
  const place = kept.findIndex((node) => node.kind === "element" && ["feature", "numa"].includes(node.name));
  kept.splice(place < 0 ? kept.length : place, 0, ...features);
  cpu.children.splice(0, cpu.children.length, ...model.filter(({ name }) => name !== "feature"), ...kept);
  for (const [name, value] of [
    ["mode", "custom"],
    ["match", "exact"],
    ["check", "partial"],
  ] as const) {
    cpu.setAttribute(name, value);
  }
}
