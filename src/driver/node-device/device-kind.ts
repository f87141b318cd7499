import type { Element } from "../../xml/index.ts";

/** A device of this machine, as far as a list needs it. */
export interface HostDevice {
  readonly name: string;
  /** Below /sys; empty for the machine itself. */
  readonly path: string;
  /** The name of the device that it hangs on; null for the machine itself. */
  readonly parent: string | null;
  /** What it is, in libvirt's words. */
  readonly capability: string;
  /** In /dev. */
  readonly node?: DeviceNode;
}

export interface DeviceNode {
  readonly path: string;
  readonly links: readonly string[];
}

/** What was found at a path, not yet hung on its parent. */
export interface FoundDevice {
  readonly name: string;
  readonly path: string;
  readonly node?: DeviceNode;
}

/** A kind of device: where the kernel lists them, and what is told of one. */
export interface DeviceKind {
  readonly capability: string;
  /** Where links to its devices are. */
  readonly directory: string;
  /** Undefined: it is of another kind, or none that libvirt knows. `path` is where the link leads. */
  find(path: string): Promise<FoundDevice | undefined>;
  /** The inside of its `<capability>`. */
  describe(device: HostDevice): Promise<Element[]>;
}

/** A device's name: all but letters and digits becomes an underscore. */
export function deviceName(kind: string, ...parts: readonly string[]): string {
  return [kind, ...parts].join("_").replace(/[^A-Za-z0-9]/g, "_");
}
