import type { Definition } from "../../../model/index.ts";
import { type JsonObject, MonitorClosedError } from "../../../qmp/index.ts";
import { type Element, parseXml } from "../../../xml/index.ts";
import { arrangeDomain } from "../../domain-places.ts";
import { ensure, reorder } from "../../objects/element-edit.ts";
import { type Part, partsOf } from "../command-line/index.ts";
import { sortDisks } from "../definition/disks.ts";
import type { DeviceInTransit } from "../device-transit.ts";
import { aliasOf } from "../devices-of.ts";
import type { Guests } from "../guests.ts";
import type { Run } from "../run.ts";
import { deviceByAlias } from "./device-kinds.ts";
import { settleMemory } from "./memory-total.ts";
import { removeParts } from "./parts-on-monitor.ts";
import type { Removals } from "./removals.ts";

/**
 * Brings together what is written down of a run's devices and what its QEMU has, after a daemon has gone that may have been
 * plugging: what QEMU has of a device on its way in is told as added; what it has not of one is not there, and nothing
 * that was made for it either; and what has left QEMU meanwhile leaves the definition, as if that were told now.
 *
 * Under the domain's job, before anybody else changes the run. What QEMU refuses is reported.
 */
export async function reconcile(guests: Guests, run: Run, removals: Removals): Promise<void> {
  try {
    await compare(guests, run, removals);
  } catch (error) {
    if (!(error instanceof MonitorClosedError)) guests.report(error);
  }
}

async function compare(guests: Guests, run: Run, removals: Removals): Promise<void> {
  const present = await plugged(run);
  if (present === undefined || run.hasEnded) return;
  for (const each of run.transit.record ?? []) {
    const device = parseXml(each.xml).root;
    if (each.direction === "in" && present.has(aliasOf(device))) welcome(guests, run, each, device);
    else await clear(guests, run, each, device);
    if (run.hasEnded) return;
  }
  for (const alias of missing(guests, run, present)) removals.onGone(run.domain, run, alias);
}

/** The names of all devices that QEMU was told to make; undefined when it answers something else. */
async function plugged(run: Run): Promise<ReadonlySet<string> | undefined> {
  const children = await run.execute("qom-list", { path: "/machine/peripheral" }, Number.POSITIVE_INFINITY);
  if (!Array.isArray(children)) return undefined;
  return new Set((children as readonly JsonObject[]).map(({ name }) => String(name)));
}

function welcome(guests: Guests, run: Run, transit: DeviceInTransit, device: Element): void {
  const { domain } = run;
  run.transit.arrive([transit]);
  if (domain.definition === undefined || deviceByAlias(domain.definition.root.first("devices"), aliasOf(device)))
    return;
  run.describe(domain.definition.with((root) => addDevice(root, device)));
  guests.publish({ name: "deviceAdded", dom: domain.reference, devAlias: aliasOf(device) });
}

async function clear(guests: Guests, run: Run, transit: DeviceInTransit, device: Element): Promise<void> {
  const { definition } = run.domain;
  if (definition !== undefined) {
    // That it leaves is written down before the definition without it: in between the definition has it.
    const isThere = deviceByAlias(definition.root.first("devices"), aliasOf(device)) !== undefined;
    const whole = isThere ? definition : definition.with((root) => addDevice(root, device.clone()));
    await removeParts(run, otherParts(guests, whole, device), Number.POSITIVE_INFINITY);
  }
  if (!run.hasEnded) run.transit.forget([transit]);
}

/** What the definition has and QEMU was told to make, and has not any more. */
function missing(guests: Guests, run: Run, present: ReadonlySet<string>): string[] {
  const { definition } = run.domain;
  if (definition === undefined) return [];
  const context = guests.contextOf(definition);
  return (context.devices?.elements() ?? []).flatMap((device) => {
    const alias = aliasOf(device);
    if (alias === "" || present.has(alias) || deviceByAlias(context.devices, alias) !== device) return [];
    const isPart = (part: Part): boolean => part.kind === "device" && part.properties.id === alias;
    return readParts(guests, () => partsOf(device, context)).some(isPart) ? [alias] : [];
  });
}

/** What a device stands on. */
function otherParts(guests: Guests, definition: Definition, device: Element): Part[] {
  const context = guests.contextOf(definition);
  const own = deviceByAlias(context.devices, aliasOf(device));
  if (own === undefined) return [];
  return readParts(guests, () => partsOf(own, context)).filter(({ kind }) => kind !== "device");
}

/** Of what cannot be read nothing is done: better than to guess. */
function readParts(guests: Guests, read: () => Part[]): Part[] {
  try {
    return read();
  } catch (error) {
    guests.report(error);
    return [];
  }
}

function addDevice(root: Element, device: Element): void {
  const devices = ensure(root, "devices");
  devices.children.push(device);
  settleMemory(root, device);
  reorder(devices, "disk", sortDisks(devices.all("disk")));
  arrangeDomain(root);
}
