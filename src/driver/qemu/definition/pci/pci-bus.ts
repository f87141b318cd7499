/** The kinds of PCI devices, by what they can be plugged into. */
export type PciKind =
  | "pci-device"
  | "pcie-device"
  | "pci-bridge"
  | "pci-expander-bus"
  | "pcie-expander-bus"
  | "pcie-root-port"
  | "pcie-switch-upstream-port"
  | "pcie-switch-downstream-port"
  | "dmi-to-pci-bridge"
  | "pcie-to-pci-bridge";

/** What a device needs of the bus that it is plugged into. */
export interface PciDemand {
  readonly kind: PciKind;
  /** It goes only where devices are put unasked. */
  readonly automatic?: boolean;
  /** Several may be functions of one slot. */
  readonly aggregate?: boolean;
  /** Left to us it belongs on the root of PCI Express, where nothing comes or goes. */
  readonly integrated?: boolean;
  /** It is plugged in while the guest runs. */
  readonly hotplug?: boolean;
}

/** What a controller of PCI, by its model, has behind it. */
interface BusModel {
  readonly accepts: readonly PciKind[];
  readonly automatic: boolean;
  readonly hotplug: boolean;
  readonly minSlot: number;
  readonly maxSlot: number;
}

const conventional = { accepts: ["pci-device", "pci-bridge"], automatic: true, hotplug: true, maxSlot: 31 } as const;
const port = {
  accepts: ["pcie-device", "pcie-switch-upstream-port", "pcie-to-pci-bridge"],
  automatic: true,
  hotplug: true,
  minSlot: 0,
  maxSlot: 0,
} as const;
const fixed = { automatic: false, hotplug: false, minSlot: 0, maxSlot: 31 } as const;

const models: Readonly<Record<string, BusModel>> = {
  "pci-root": { ...conventional, accepts: [...conventional.accepts, "pci-expander-bus"], minSlot: 1 },
  "pci-bridge": { ...conventional, minSlot: 1 },
  "pci-expander-bus": { ...conventional, minSlot: 0 },
  "pcie-to-pci-bridge": { ...conventional, minSlot: 1 },
  "pcie-root": {
    ...fixed,
    accepts: ["pcie-device", "pcie-root-port", "dmi-to-pci-bridge", "pcie-expander-bus"],
    minSlot: 1,
  },
  "dmi-to-pci-bridge": { ...fixed, accepts: ["pci-device", "pci-bridge"] },
  "pcie-root-port": port,
  "pcie-switch-downstream-port": port,
  "pcie-switch-upstream-port": { ...fixed, accepts: ["pcie-switch-downstream-port"] },
  "pcie-expander-bus": { ...fixed, accepts: ["pcie-root-port", "dmi-to-pci-bridge"] },
};

/** The models that a controller of PCI can have. */
export const pciModels: readonly string[] = Object.keys(models);

const endpoints: readonly PciKind[] = ["pci-device", "pcie-device"];

interface Slot {
  /** A bit for each function in use. */
  functions: number;
  aggregate: boolean;
}

/** A bus and who sits on it. */
export class PciBus {
  readonly model: string;
  readonly minSlot: number;
  readonly maxSlot: number;
  readonly #accepts: readonly PciKind[];
  readonly #automatic: boolean;
  readonly #hotplug: boolean;
  readonly #slots = new Map<number, Slot>();

  /** `model` is one of pciModels; `accepts` narrows what the model would take. */
  constructor(model: string, options: { hotplug?: boolean; accepts?: readonly PciKind[] } = {}) {
    const { accepts, automatic, hotplug, minSlot, maxSlot } = models[model] ?? fail(model);
    this.model = model;
    this.minSlot = minSlot;
    this.maxSlot = maxSlot;
    this.#accepts = options.accepts ?? accepts;
    this.#automatic = automatic;
    this.#hotplug = hotplug && options.hotplug !== false;
  }

  get takesBridges(): boolean {
    return this.#accepts.includes("pci-bridge");
  }

  get isFull(): boolean {
    return this.#slots.size > this.maxSlot - this.minSlot;
  }

  isUsed(slot: number, func?: number): boolean {
    const functions = this.#slots.get(slot)?.functions ?? 0;
    return func === undefined ? functions !== 0 : (functions & (1 << func)) !== 0;
  }

  /**
   * What is in the way of a device, in the order in which it is to be told. Who has chosen the place by hand may mix PCI
   * and PCI Express, and put a bridge where a device could be.
   */
  objection(demand: PciDemand, isChosen: boolean): "automatic" | "hotplug" | "kind" | undefined {
    if (!isChosen && demand.integrated === true) return this.model === "pcie-root" ? undefined : "kind";
    if (!isChosen && demand.automatic === true && !this.#automatic) return "automatic";
    if (demand.hotplug === true && !this.#hotplug) return "hotplug";
    if (this.#accepts.includes(demand.kind)) return undefined;
    const takesEndpoints = this.#accepts.some((kind) => endpoints.includes(kind));
    if (isChosen && takesEndpoints && [...endpoints, "pci-bridge"].includes(demand.kind)) return undefined;
    return "kind";
  }

  /** The first place that is free for it; undefined: none. `func` when it has to be that function. */
  findFree(demand: PciDemand, func?: number): { readonly slot: number; readonly function: number } | undefined {
    if ((this.isFull && demand.aggregate !== true) || this.objection(demand, false) !== undefined) return undefined;
    for (let slot = this.minSlot; slot <= this.maxSlot; slot++) {
      if (!this.isUsed(slot)) return { slot, function: func ?? 0 };
      if (demand.aggregate !== true || this.#slots.get(slot)?.aggregate !== true) continue;
      const candidates = func === undefined ? [0, 1, 2, 3, 4, 5, 6, 7] : [func];
      const free = candidates.find((candidate) => !this.isUsed(slot, candidate));
      if (free !== undefined) return { slot, function: free };
    }
    return undefined;
  }

  use(slot: number, func: number, demand: PciDemand): void {
    const known = this.#slots.get(slot);
    if (known === undefined) this.#slots.set(slot, { functions: 1 << func, aggregate: demand.aggregate === true });
    else known.functions |= 1 << func;
  }
}

function fail(model: string): never {
  throw new RangeError(`no PCI controller has the model ${model}`);
}
