import type { Definition } from "../../../model/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import { devicesOf, targetOf } from "../devices-of.ts";

/** A disk below a file system, as the agent describes it. */
export interface AgentDisk {
  readonly "bus-type"?: string;
  readonly bus?: number;
  readonly target?: number;
  readonly unit?: number;
  readonly serial?: string;
  readonly dev?: string;
  readonly "pci-controller"?: {
    readonly domain: number;
    readonly bus: number;
    readonly slot: number;
    readonly function: number;
  };
}

/** A file system that the guest has mounted, as `guest-get-fsinfo` tells it. */
export interface AgentFileSystem {
  readonly name: string;
  readonly mountpoint: string;
  readonly type: string;
  readonly "total-bytes"?: number;
  readonly "used-bytes"?: number;
  readonly disk?: readonly AgentDisk[];
}

/** What the host calls a disk that the guest describes by its place: "vda". Undefined: none of the definition's. */
export function targetAt(definition: Definition, disk: AgentDisk): string | undefined {
  const found = devicesOf(definition, "disk").find((each) => isAt(definition, each, disk));
  return found && targetOf(found);
}

function isAt(definition: Definition, disk: Element, place: AgentDisk): boolean {
  const address = disk.first("address");
  if (address?.attribute("type") === "pci") return isSlot(address, place);
  if (address?.attribute("type") !== "drive") return false;
  const number = (name: string): number => Number(address.attribute(name) ?? 0);
  const isUnit =
    number("bus") === (place.bus ?? 0) &&
    number("target") === (place.target ?? 0) &&
    number("unit") === (place.unit ?? 0);
  if (!isUnit) return false;
  const bus = disk.first("target")?.attribute("bus");
  const controller = devicesOf(definition, "controller").find(
    (each) => each.attribute("type") === bus && Number(each.attribute("index") ?? 0) === number("controller"),
  );
  const slot = controller?.first("address");
  return slot === undefined || slot.attribute("type") !== "pci" || isSlot(slot, place);
}

function isSlot(address: Element, { "pci-controller": place }: AgentDisk): boolean {
  if (place === undefined) return false;
  return (["domain", "bus", "slot", "function"] as const).every(
    (name) => Number(address.attribute(name) ?? 0) === place[name],
  );
}

/** An interface of the guest, as `guest-network-get-interfaces` tells it. */
export interface AgentInterface {
  readonly name: string;
  readonly "hardware-address"?: string;
  readonly "ip-addresses"?: readonly JsonObject[];
}

/** Addresses on the wire: virIPAddrType, the address, the length of its prefix. */
export function addressesOf({ "ip-addresses": addresses = [] }: AgentInterface): {
  type: number;
  addr: string;
  prefix: number;
}[] {
  return addresses.map((each) => ({
    type: each["ip-address-type"] === "ipv6" ? 1 : 0,
    addr: String(each["ip-address"]),
    prefix: Number(each["prefix"] ?? 0),
  }));
}
