import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";

/** The devices of a definition of one kind: "disk", "interface". */
export function devicesOf({ root }: Definition, kind: string): readonly Element[] {
  return root.first("devices")?.all(kind) ?? [];
}

export function targetOf(disk: Element): string {
  return disk.first("target")?.attribute("dev") ?? "";
}

/** The file or block device that a disk has; undefined: an empty drive, or one elsewhere. */
export function sourceOf(disk: Element): string | undefined {
  const source = disk.first("source");
  return source?.attribute("file") ?? source?.attribute("dev");
}

/** A disk by its target or its source. */
export function findDisk(definition: Definition, name: string): Element | undefined {
  return devicesOf(definition, "disk").find((disk) => targetOf(disk) === name || sourceOf(disk) === name);
}

/** An interface by the host's name for it or by its MAC address. Throws VirError. */
export function interfaceNamed(definition: Definition, name: string): Element {
  const found = devicesOf(definition, "interface").find(
    (each) => each.first("target")?.attribute("dev") === name || each.first("mac")?.attribute("address") === name,
  );
  if (found !== undefined) return found;
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `'${name}' is not a known interface`);
}

/** The name of a device in QEMU; one that was started before devices had names in definitions has the one it got then. */
export function aliasOf(device: Element): string {
  const alias = device.first("alias")?.attribute("name");
  if (alias !== undefined || device.name !== "disk") return alias ?? "";
  return `${device.first("target")?.attribute("bus") ?? ""}-${targetOf(device)}`;
}

/** Whether the guest has a balloon. */
export function hasBalloon({ root }: Definition): boolean {
  const model = root.find("devices", "memballoon")?.attribute("model");
  return model !== undefined && model !== "none";
}
