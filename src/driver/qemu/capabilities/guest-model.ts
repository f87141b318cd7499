import { Element } from "../../../xml/index.ts";
import type { GuestCpu } from "../../cpu/x86-baseline.ts";
import { decodeX86 } from "../../cpu/x86-decode.ts";
import { x86FeatureName } from "../../cpu/x86-feature-names.ts";
import type { BinaryFacts } from "./binary-facts.ts";
import { guestFeatures, vendorOf } from "./host-cpu.ts";

/** The best processor that a guest can have, in the words of a model: what `host-model` stands for. */
export function bestModel(facts: BinaryFacts): GuestCpu | undefined {
  const vendor = vendorOf(facts.maxVendor);
  const found = decodeX86(guestFeatures(facts.maxFeatures), { vendor });
  return found && possible({ model: found.model.name, vendor, features: found.features }, facts);
}

/** Without what QEMU's model of that name has more than libvirt's, and cannot have here. */
export function possible({ model, vendor, features }: GuestCpu, { models }: BinaryFacts): GuestCpu {
  const unavailable = models.find(({ name }) => name === model)?.unavailable ?? [];
  const named = new Set(features.map(({ name }) => name));
  const more = unavailable
    .map(x86FeatureName)
    .filter((name) => name !== undefined)
    .filter((name) => !named.has(name));
  return { model, vendor, features: [...features, ...more.map((name) => ({ name, policy: "disable" as const }))] };
}

/** As the content of `<mode name='host-model'>`; undefined where no model is known. */
export function guestModel(facts: BinaryFacts): Element[] | undefined {
  const cpu = bestModel(facts);
  if (cpu === undefined) return undefined;
  return [
    Element.leaf("model", cpu.model, { fallback: "forbid" }),
    ...(cpu.vendor === undefined ? [] : [Element.leaf("vendor", cpu.vendor)]),
    ...cpu.features.map(({ name, policy }) => new Element("feature", { policy, name })),
  ];
}
