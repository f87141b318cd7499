import type { Element } from "../../../xml/index.ts";
import { ensure } from "../../objects/element-edit.ts";
import { dropMadeName } from "../definition/interfaces.ts";

/**
 * What the interfaces of a run are plugged into: those of networks say which bridge is theirs now, whatever they said
 * before. `bridgeOf` throws VirError for a network that is not there or not active.
 */
export function settleInterfaces(devices: Element, bridgeOf: (network: string) => string): void {
  for (const device of devices.all("interface")) settleInterface(device, bridgeOf);
}

/** The same of one. */
export function settleInterface(device: Element, bridgeOf: (network: string) => string): void {
  dropMadeName(device);
  const source = device.first("source");
  if (device.attribute("type") !== "network" || source === undefined) return;
  source.setAttribute("bridge", bridgeOf(source.attribute("network") ?? ""));
}

/** Shows what the host's sides are called: by alias of the interface. */
export function nameTargets(devices: Element, targets: ReadonlyMap<string, string>): void {
  for (const device of devices.all("interface")) nameTarget(device, targets);
}

/** The same of one device; only interfaces have such a side. */
export function nameTarget(device: Element, targets: ReadonlyMap<string, string>): void {
  const name = targets.get(device.first("alias")?.attribute("name") ?? "");
  if (name !== undefined) ensure(device, "target").setAttribute("dev", name);
}
