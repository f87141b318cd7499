/** A device on its way into a run's QEMU or out of it. */
export interface DeviceInTransit {
  readonly direction: "in" | "out";
  /** As the run's definition has it, or is to have it. */
  readonly xml: string;
}

/**
 * What is under way between a run's definition and its QEMU: it is written down before QEMU hears of it, and forgotten with
 * the definition that follows from its end. So whoever finds the run without its daemon knows of everything that QEMU may
 * have, and lets QEMU say what it has.
 */
export class DeviceTransit {
  readonly #save: () => void;
  #devices: readonly DeviceInTransit[] = [];

  /** `save` writes the record of the run. */
  constructor(save: () => void) {
    this.#save = save;
  }

  /** In the order in which they began; undefined: none. */
  get record(): readonly DeviceInTransit[] | undefined {
    return this.#devices.length === 0 ? undefined : this.#devices;
  }

  /** What the daemon before us has left. */
  restore(devices: readonly DeviceInTransit[] = []): void {
    this.#devices = devices;
  }

  /** Throws when it cannot be written down: QEMU must not hear of it then. */
  begin(devices: readonly DeviceInTransit[]): void {
    this.#devices = [...this.#devices, ...devices];
    try {
      this.#save();
    } catch (error) {
      this.#drop(devices);
      throw error;
    }
  }

  /** They have arrived: what is written down next says so. */
  arrive(devices: readonly DeviceInTransit[]): void {
    this.#drop(devices);
  }

  /** They have gone, or never came, and that is written down. */
  forget(devices: readonly DeviceInTransit[]): void {
    this.#drop(devices);
    this.#save();
  }

  #drop(devices: readonly DeviceInTransit[]): void {
    this.#devices = this.#devices.filter((each) => !devices.includes(each));
  }
}
