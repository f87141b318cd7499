import type { Element } from "../../../xml/index.ts";
import { audio } from "./audio.ts";
import { channel, console, parallel, redirectedDevice, serial, smartcard } from "./character-device.ts";
import { controller } from "./controller.ts";
import { disk } from "./disk.ts";
import { filesystem } from "./filesystem.ts";
import { graphics } from "./graphics.ts";
import type { GuestContext } from "./guest-context.ts";
import { hostDevice } from "./host-device.ts";
import { hub, input } from "./input.ts";
import { networkInterface } from "./interface.ts";
import { iommu } from "./iommu.ts";
import { memoryBalloon } from "./memory-balloon.ts";
import { memoryDevice } from "./memory-device.ts";
import { panic } from "./panic.ts";
import type { Part } from "./part.ts";
import { unsupported } from "./reading.ts";
import { rng } from "./rng.ts";
import { sharedMemory } from "./shared-memory.ts";
import { sound } from "./sound.ts";
import { tpm } from "./tpm.ts";
import { video } from "./video.ts";
import { vsock } from "./vsock.ts";
import { watchdog } from "./watchdog.ts";

type Build = (element: Element, context: GuestContext) => Part[];

const nothing: Build = () => [];

/** By element; in the order in which QEMU is told of them, as each may stand on those before it. */
const builders: ReadonlyMap<string, Build> = new Map<string, Build>([
  ["iommu", iommu],
  ["controller", controller],
  ["hub", hub],
  ["memory", memoryDevice],
  ["audio", audio],
  ["disk", disk],
  ["filesystem", filesystem],
  ["smartcard", smartcard],
  ["serial", serial],
  ["parallel", parallel],
  ["channel", channel],
  ["console", console],
  ["tpm", tpm],
  ["input", input],
  ["graphics", graphics],
  ["video", video],
  ["sound", sound],
  ["interface", networkInterface],
  ["watchdog", watchdog],
  ["redirdev", redirectedDevice],
  ["hostdev", hostDevice],
  ["memballoon", memoryBalloon],
  ["rng", rng],
  ["shmem", sharedMemory],
  ["panic", panic],
  ["vsock", vsock],
  // These are for the driver, or only say what is anyway.
  ["emulator", nothing],
  ["lease", nothing],
  ["redirfilter", nothing],
]);

/**
 * The parts of one device of the live definition, in the order in which they are added; they are removed in the reverse
 * one. Throws VirError for what this driver, or QEMU, cannot do.
 */
export function partsOf(element: Element, context: GuestContext): Part[] {
  const build = element.uri === "" ? builders.get(element.name) : undefined;
  if (build === undefined) throw unsupported(`device <${element.name}> is not supported`);
  return build(element, context);
}

/** The parts of all devices of a guest. */
export function allParts(context: GuestContext): Part[] {
  const elements = context.devices?.elements() ?? [];
  const order = [...builders.keys()];
  const rank = ({ name }: Element): number => order.indexOf(name);
  return ordered(elements, rank).flatMap((element) => partsOf(element, context));
}

/** A controller stands on the one whose bus it is on: those of PCI come first, by number. */
function ordered(elements: readonly Element[], rank: (element: Element) => number): Element[] {
  const isPci = (element: Element): boolean => element.name === "controller" && element.attribute("type") === "pci";
  const key = (element: Element): readonly number[] => [
    rank(element),
    Number(!isPci(element)),
    isPci(element) ? Number(element.attribute("index") ?? 0) : companionRank(element),
  ];
  return elements
    .map((element) => ({ element, key: key(element) }))
    .sort(({ key: one }, { key: other }) => compare(one, other))
    .map(({ element }) => element);
}

/** A USB controller comes before its companions, and before what is plugged into it. */
function companionRank(element: Element): number {
  if (element.name !== "controller") return 0;
  if (element.attribute("type") === "ccid") return 2;
  return element.first("master") === undefined ? 0 : 1;
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [place, value] of one.entries()) {
    const difference = value - (other[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
