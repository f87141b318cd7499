import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { number, unsupported } from "./reading.ts";

/** Where on its controller a drive is. */
export interface DriveAddress {
  readonly controller: number;
  readonly bus: number;
  readonly target: number;
  readonly unit: number;
}

/** From `<address type='drive'>`, or from the name of the target as libvirt derives it where there is none. */
export function driveAddress(disk: Element, bus: string, context: GuestContext): DriveAddress {
  const address = disk.first("address");
  if (address !== undefined) {
    const of = (name: string): number => number(address, name) ?? 0;
    return { controller: of("controller"), bus: of("bus"), target: of("target"), unit: of("unit") };
  }
  const target = disk.first("target")?.attribute("dev") ?? "";
  const place = indexOf(target);
  if (bus === "ide") return { controller: place >> 2, bus: (place >> 1) & 1, target: 0, unit: place & 1 };
  if (bus === "fdc") return { controller: 0, bus: 0, target: 0, unit: place & 1 };
  if (bus === "sata") return { controller: Math.floor(place / 6), bus: 0, target: 0, unit: place % 6 };
  if (context.controller("scsi", 0) !== undefined) return { controller: 0, bus: 0, target: 0, unit: place };
  throw unsupported(
    `disk '${target}': a ${disk.attribute("device") ?? "disk"} on bus '${bus}' is not supported without a controller`,
  );
}

/** The number of a disk by the name of its target: 0 for "vda", 26 for "vdaa". */
export function indexOf(target: string): number {
  const letters = /^(?:xvd|[hsvf]d)([a-z]{1,4})$/.exec(target)?.[1] ?? "a";
  let place = 0;
  for (const letter of letters) place = place * 26 + letter.charCodeAt(0) - "a".charCodeAt(0) + 1;
  return place - 1;
}
