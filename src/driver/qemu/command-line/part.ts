/** What can stand in the JSON of a part. Absent members are left out. */
export type Value =
  | string
  | number
  /** Of 64 bits. */
  | bigint
  | boolean
  | null
  | undefined
  | Descriptor
  | readonly Value[]
  | { readonly [name: string]: Value };

export type Properties = { readonly [name: string]: Value };

/** What a descriptor is of. Whoever launches QEMU opens it. */
export type Opening =
  /** One queue of a tap device of that name (made, or made up, where it is not there), perhaps in a bridge. */
  | {
      readonly kind: "tap";
      /** The alias of the interface. */
      readonly of: string;
      readonly device: string | undefined;
      readonly bridge: string | undefined;
      /** Of virtio: packets have a header that says what has been left to the other side. */
      readonly hasHeader: boolean;
      readonly isMultiQueue: boolean;
      readonly isManaged: boolean;
      /** The guest's. */
      readonly mac: string | undefined;
      readonly mtu: number | undefined;
    }
  /** Something that holds these bytes, for QEMU to read once; nobody else may. */
  | { readonly kind: "secret"; readonly bytes: Uint8Array }
  | { readonly kind: "vhost-vsock"; readonly cid: number };

export interface DescriptorRequest {
  /** Its name on the monitor, there is one of it: "net0-1". */
  readonly name: string;
  readonly opening: Opening;
}

/**
 * Descriptors in a place where QEMU expects the numbers of some, separated by colons. On the monitor they go by the names
 * that they were sent under.
 */
export class Descriptor {
  readonly requests: readonly DescriptorRequest[];
  /** What stands before the number: "/dev/fd/". */
  readonly prefix: string;

  constructor(requests: readonly DescriptorRequest[], prefix = "") {
    this.requests = requests;
    this.prefix = prefix;
  }
}

/** The other end of a character device, as QMP's ChardevBackend. */
export type ChardevBackend = { readonly type: string; readonly data: Properties };

/**
 * One of the things that QEMU is told to make for a device: as an argument when it starts, or by a command on its
 * monitor later. Plain data; `argumentsOf` and `commandsToAdd` render it.
 */
export type Part =
  | { readonly kind: "object"; readonly properties: Properties & { readonly "qom-type": string; readonly id: string } }
  /** A `secret` object: its bytes stand in no argument. */
  | { readonly kind: "secret"; readonly id: string; readonly bytes: Uint8Array }
  | {
      readonly kind: "blockdev";
      readonly properties: Properties & { readonly "node-name": string; readonly driver: string };
    }
  | { readonly kind: "netdev"; readonly properties: Properties & { readonly type: string; readonly id: string } }
  | { readonly kind: "chardev"; readonly id: string; readonly backend: ChardevBackend }
  /** Without an id it cannot be taken away again. */
  | {
      readonly kind: "device";
      readonly properties: Properties & { readonly driver: string; readonly id?: string | undefined };
    }
  /** What can be said on the monitor alone, once the parts before it are there, and before the guest runs. */
  | { readonly kind: "command"; readonly command: Command }
  /** What can be said at start alone. Each word is one argument. */
  | { readonly kind: "argument"; readonly words: readonly string[] };

/** A command of QMP. */
export interface Command {
  readonly execute: string;
  readonly arguments: Properties;
}

export function device(driver: string, properties: Properties & { readonly id?: string | undefined }): Part {
  return { kind: "device", properties: { driver, ...properties } };
}

export function object(type: string, id: string, properties: Properties = {}): Part {
  return { kind: "object", properties: { "qom-type": type, id, ...properties } };
}

export function command(execute: string, properties: Properties): Part {
  return { kind: "command", command: { execute, arguments: properties } };
}

export function argument(...words: string[]): Part {
  return { kind: "argument", words };
}

/** All descriptors that a part needs, in the order in which they stand there. */
export function descriptorsOf(part: Part): DescriptorRequest[] {
  if (part.kind === "secret") return [secretDescriptor(part.id, part.bytes)];
  if ("properties" in part) return descriptorsIn(part.properties);
  if (part.kind === "chardev") return descriptorsIn(part.backend.data);
  return [];
}

/** Through which a secret comes in when QEMU starts. */
export function secretDescriptor(id: string, bytes: Uint8Array): DescriptorRequest {
  return { name: id, opening: { kind: "secret", bytes } };
}

function descriptorsIn(value: Value): DescriptorRequest[] {
  if (value instanceof Descriptor) return [...value.requests];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(descriptorsIn);
}
