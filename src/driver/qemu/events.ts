import type { Domain } from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { JsonObject, MonitorEvent } from "../../qmp/index.ts";
import type { Element } from "../../xml/index.ts";
import { ensure } from "../objects/element-edit.ts";
import { aliasOf, targetOf } from "./devices-of.ts";
import { diskNamed, diskOfNode } from "./event-disks.ts";
import type { Guests } from "./guests.ts";
import { changed } from "./modification.ts";
import type { Run } from "./run.ts";

/** What an event of QEMU's means for a domain that runs. */
interface Occurrence {
  /** What is told. */
  readonly events?: readonly DomainEvent[];
  /** What is written down of the run before. */
  readonly edit?: (root: Element) => void;
}

type Reading = (data: JsonObject, domain: Domain) => Occurrence;

const graphicsPhases = { connect: 0, initialize: 1, disconnect: 2 };
const families: Readonly<Record<string, number>> = { ipv4: 0, ipv6: 1, unix: 2 };

/**
 * What QEMU's events are in libvirt's: those that change no state of the run (RunState has these), and are not the end of
 * something that somebody began (block jobs, unplugging).
 */
const readings: Readonly<Record<string, Reading>> = {
  BALLOON_CHANGE: ({ actual }, { reference: dom }) => {
    const kib = Math.ceil(Number(actual) / 1024);
    return {
      edit: (root) => root.first("currentMemory")?.setText(String(kib)),
      events: [{ name: "balloonChange", dom, actual: BigInt(kib) }],
    };
  },
  DEVICE_TRAY_MOVED: ({ id, device, "tray-open": isOpen }, domain) => {
    const disk = diskNamed(domain, id ?? device);
    if (disk === undefined) return {};
    const target = targetOf(disk);
    const isOpened = isOpen === true;
    return {
      edit: (root) => {
        const own = diskIn(root, target)?.first("target");
        if (isOpened) own?.setAttribute("tray", "open");
        else own?.removeAttribute("tray");
      },
      events: [{ name: "trayChange", dom: domain.reference, devAlias: aliasOf(disk), reason: isOpened ? 0 : 1 }],
    };
  },
  VNC_CONNECTED: (data, domain) => graphics(data, domain, graphicsPhases.connect),
  VNC_INITIALIZED: (data, domain) => graphics(data, domain, graphicsPhases.initialize),
  VNC_DISCONNECTED: (data, domain) => graphics(data, domain, graphicsPhases.disconnect),
  SPICE_CONNECTED: (data, domain) => graphics(data, domain, graphicsPhases.connect),
  SPICE_INITIALIZED: (data, domain) => graphics(data, domain, graphicsPhases.initialize),
  SPICE_DISCONNECTED: (data, domain) => graphics(data, domain, graphicsPhases.disconnect),
  BLOCK_WRITE_THRESHOLD: ({ "node-name": node, "amount-exceeded": excess, "write-threshold": threshold }, domain) => {
    const [name, path] = threshold === undefined ? ["", null] : ownerOf(domain, String(node));
    const [limit, over] = [BigInt(Number(threshold ?? 0)), BigInt(Number(excess ?? 0))];
    return {
      events: [{ name: "blockThreshold", dom: domain.reference, dev: name, path, threshold: limit, excess: over }],
    };
  },
  MEMORY_FAILURE: ({ recipient, action, flags }, { reference: dom }) => {
    const bits = (flags ?? {}) as JsonObject;
    const flagBits = (bits["action-required"] === true ? 1 : 0) | (bits["recursive"] === true ? 2 : 0);
    const actions = ["ignore", "inject", "fatal", "reset"];
    const [to, what] = [recipient === "guest" ? 1 : 0, Math.max(0, actions.indexOf(String(action)))];
    return { events: [{ name: "memoryFailure", dom, recipient: to, action: what, flags: flagBits }] };
  },
  MEMORY_DEVICE_SIZE_CHANGE: ({ id, size }, { reference: dom }) => {
    const kib = BigInt(Math.ceil(Number(size) / 1024));
    return {
      edit: (root) => setCurrentSize(root, String(id), kib),
      events: [{ name: "memoryDeviceSizeChange", dom, alias: String(id), size: kib }],
    };
  },
  ACPI_DEVICE_OST: ({ info }, { reference: dom }) => {
    const { device, "slot-type": type, source, status } = (info ?? {}) as JsonObject;
    const isRefused = ejections.has(Number(source)) && refusals.has(Number(status));
    if (type !== "DIMM" || typeof device !== "string" || !isRefused) return {};
    return { events: [{ name: "deviceRemovalFailed", dom, devAlias: device }] };
  },
};

/** Of ACPI's _OST: what the guest was asked for, and that it will not. */
const ejections = new Set([0x3, 0x103]);
const refusals = new Set([0x1, 0x80, 0x81, 0x82, 0x83]);

/** Tells what an event of a run's monitor means, and writes down what it changes. */
export function relay(guests: Guests, domain: Domain, run: Run, { name, data }: MonitorEvent): void {
  if (!Object.hasOwn(readings, name) || domain.incarnation !== run.incarnation) return;
  const { events = [], edit } = readings[name]?.(data, domain) ?? {};
  if (edit !== undefined && domain.definition !== undefined) run.describe(changed(domain.definition, edit));
  for (const event of events) guests.publish(event);
}

function graphics({ client, server, auth }: JsonObject, domain: Domain, phase: number): Occurrence {
  const local = addressOf(server);
  const remote = addressOf(client);
  const { x509_dname: dname, sasl_username: user } = (client ?? {}) as JsonObject;
  const names: readonly (readonly [string, unknown])[] = [
    ["x509dname", dname],
    ["saslUsername", user],
  ];
  const subject = names.flatMap(([type, name]) => (typeof name === "string" ? [{ type, name }] : []));
  const scheme = auth ?? (server as JsonObject | undefined)?.["auth"];
  const authScheme = typeof scheme === "string" ? scheme : "";
  return { events: [{ name: "graphics", dom: domain.reference, phase, local, remote, authScheme, subject }] };
}

function addressOf(end: unknown): { family: number; node: string; service: string } {
  const { family, host = "", service = "" } = (end ?? {}) as { family?: string; host?: string; service?: string };
  return { family: families[family ?? ""] ?? 0, node: host, service };
}

/** Of an image: `vda` or `vda[3]`, and where it is. */
function ownerOf(domain: Domain, node: string): [string, string | null] {
  const { disk, place, path } = diskOfNode(domain, node) ?? {};
  if (disk === undefined) return [node, null];
  return [place === undefined ? targetOf(disk) : `${targetOf(disk)}[${place}]`, path ?? null];
}

function setCurrentSize(root: Element, alias: string, kib: bigint): void {
  const device = root
    .first("devices")
    ?.all("memory")
    .find((each) => aliasOf(each) === alias);
  const target = device?.first("target");
  if (target === undefined) return;
  const current = ensure(target, "current");
  current.setAttribute("unit", "KiB");
  current.setText(String(kib));
}

function diskIn(root: Element, target: string): Element | undefined {
  return root
    .first("devices")
    ?.all("disk")
    .find((disk) => targetOf(disk) === target);
}
