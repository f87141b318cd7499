import type { GuestContext } from "./guest-context.ts";
import { isPlain, memoryBackend } from "./memory-backend.ts";
import { numaCells } from "./numa.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { bytes, number } from "./reading.ts";

/** The memory of a guest when it starts, without what is in slots. */
export function memory(context: GuestContext): Part[] {
  const maximum = context.root.first("maxMemory");
  const initial = initialBytes(context);
  const options = optionText({
    size: `${initial / 1024}k`,
    slots: maximum === undefined ? undefined : number(maximum, "slots"),
    maxmem: maximum === undefined ? undefined : `${bytes(maximum) / 1024}k`,
  });
  const isLocked = context.root.find("memoryBacking", "locked") !== undefined;
  return [
    argument("-m", options),
    ...(backendOf(context) === undefined ? [] : [memoryBackend("pc.ram", { sizeBytes: initial }, context)]),
    argument("-overcommit", `mem-lock=${isLocked ? "on" : "off"}`),
  ];
}

/** The object that all memory is in; undefined where QEMU's own will do, or cells have their own. */
export function backendOf(context: GuestContext): string | undefined {
  return isPlain(context) || numaCells(context).length > 0 ? undefined : "pc.ram";
}

function initialBytes(context: GuestContext): number {
  const devices = context.all("memory").map((device) => {
    const size = device.first("target")?.first("size");
    return size === undefined ? 0 : bytes(size);
  });
  return context.definition.memoryKib * 1024 - devices.reduce((sum, size) => sum + size, 0);
}
