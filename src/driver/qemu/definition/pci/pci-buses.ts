import { ErrorCode, ErrorDomain, VirError } from "../../../../protocol/index.ts";
import { describePciAddress, type PciAddress, pciAddress } from "./pci-address.ts";
import { PciBus, type PciDemand, type PciKind } from "./pci-bus.ts";

/** How libvirt calls the kinds when it refuses one. */
const names: Partial<Record<PciKind, string>> = {
  "pci-device": "standard PCI device",
  "pcie-device": "PCI Express device",
};

/**
 * All PCI buses of a guest, by number, and which places on them are taken. One that grows gets another bus where a
 * device finds no place: that tells which controllers are missing.
 */
export class PciBuses {
  readonly #buses: PciBus[];
  readonly #grows: boolean;

  constructor(buses: readonly PciBus[], grows: boolean) {
    this.#buses = [...buses];
    this.#grows = grows;
  }

  /** Only to find out what is missing: places given are written nowhere. */
  get isTrial(): boolean {
    return this.#grows;
  }

  get all(): readonly PciBus[] {
    return this.#buses;
  }

  isUsed(bus: number, slot: number): boolean {
    return this.#buses[bus]?.isUsed(slot) === true;
  }

  /** Takes a place that somebody has chosen. Throws VirError when that is impossible or somebody else's. */
  reserve(address: PciAddress, demand: PciDemand): void {
    this.#take(address, demand, true);
  }

  /** Finds a place and takes it; `func` when it has to be that function. Throws VirError when there is none. */
  allocate(demand: PciDemand, func?: number): PciAddress {
    const address = this.#find(demand, func);
    this.#take(address, demand, false);
    return address;
  }

  #find(demand: PciDemand, func: number | undefined): PciAddress {
    if (this.#buses.length === 0) throw wrong("No PCI buses available");
    for (const [number, bus] of this.#buses.entries()) {
      const free = bus.findFree(demand, func);
      if (free !== undefined) return pciAddress(number, free.slot, free.function);
    }
    if (!this.#grows) throw failure("No more available PCI slots");
    const bus = this.#grow(this.#buses.length, demand);
    return pciAddress(bus, this.#buses[bus]?.minSlot ?? 0, func);
  }

  #take(wanted: PciAddress, demand: PciDemand, isChosen: boolean): void {
    const number = this.#grows ? this.#grow(wanted.bus, demand) : wanted.bus;
    const address = { ...wanted, bus: number };
    const error = isChosen ? wrong : failure;
    const bus = this.#check(address, demand, isChosen, error);
    if (bus.isUsed(address.slot, address.function)) {
      throw error(`Attempted double use of PCI Address ${describePciAddress(address)}`);
    }
    bus.use(address.slot, address.function, demand);
  }

  #check(address: PciAddress, demand: PciDemand, isChosen: boolean, error: typeof wrong): PciBus {
    const name = describePciAddress(address);
    if (this.#buses.length === 0) throw error("No PCI buses available");
    if (address.domain !== 0) throw error(`Invalid PCI address ${name}. Only PCI domain 0 is available`);
    const bus = this.#buses[address.bus];
    if (bus === undefined) {
      throw error(`Invalid PCI address ${name}. Only PCI buses up to ${this.#buses.length - 1} are available`);
    }
    const objection = bus.objection(demand, isChosen);
    if (objection !== undefined) throw error(explain(objection, name, address.bus, demand));
    if (address.slot < bus.minSlot) throw error(`Invalid PCI address ${name}. slot must be >= ${bus.minSlot}`);
    if (address.slot > bus.maxSlot) throw error(`Invalid PCI address ${name}. slot must be <= ${bus.maxSlot}`);
    return bus;
  }

  /**
   * Adds buses until there is one of that number. For the first conventional device of a guest that has PCI Express
   * alone, that is one more than was asked for. Returns the number of the bus that will take the device.
   */
  #grow(wanted: number, { kind }: PciDemand): number {
    let missing = wanted - this.#buses.length + 1;
    if (missing <= 0) return wanted;
    let number = wanted;
    if (kind === "pci-device" && !this.#buses.some((bus) => bus.takesBridges)) {
      if (missing === 1) number++;
      missing = Math.max(missing, 2) - 2;
      // Nothing but the bridge: what else is added finds a port of its own.
      this.#buses.push(new PciBus("pcie-root-port", { accepts: ["pcie-to-pci-bridge"] }));
      this.#buses.push(new PciBus("pcie-to-pci-bridge"));
    }
    const model = grownModel(kind);
    for (; missing > 0; missing--) this.#buses.push(new PciBus(model));
    return number;
  }
}

/** The controller that can be added to give a device its place. */
function grownModel(kind: PciKind): string {
  if (kind === "pci-device") return "pci-bridge";
  if (kind === "pcie-device" || kind === "pcie-switch-upstream-port") return "pcie-root-port";
  if (kind === "pcie-to-pci-bridge") {
    throw failure("Cannot automatically add a new PCI bus for a device with connect flags 200");
  }
  const what = `a PCI slot is needed to connect a PCI controller model='${kind}'`;
  throw failure(`${what}, but none is available, and it cannot be automatically added`);
}

function explain(objection: string, name: string, bus: number, { kind }: PciDemand): string {
  const controller = `the PCI controller with index='${bus}'`;
  if (objection === "automatic") {
    return (
      `The device at PCI address ${name} was auto-assigned this address, ` +
      `but ${controller} doesn't allow auto-assignment`
    );
  }
  if (objection === "hotplug") {
    const what = `The device at PCI address ${name} requires hotplug capability`;
    return `${what}, but ${controller} doesn't support hotplug`;
  }
  const what = `The device at PCI address ${name} cannot be plugged into ${controller}`;
  return `${what}. It requires a controller that accepts a ${names[kind] ?? kind}.`;
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
}
