import type { Size } from "./size.ts";

/** A disk: its image's path, or more. Without a target it gets the next free name of its bus. */
export type DiskSpec =
  | string
  | {
      readonly file?: string;
      readonly block?: string;
      readonly pool?: string;
      readonly volume?: string;
      readonly device?: "disk" | "cdrom" | "floppy" | "lun";
      /** Default: "qcow2" for a path that ends so, else "raw". */
      readonly format?: string;
      readonly driver?: string;
      readonly cache?: string;
      readonly discard?: "unmap" | "ignore";
      readonly target?: string;
      /** Default: as the target says, else virtio, and sata for a CD. */
      readonly bus?: string;
      readonly serial?: string;
      readonly readOnly?: boolean;
      readonly bootOrder?: number;
    };

/** A network card: on a virtual network, on a bridge of the host, or with QEMU's own user network. Default model: virtio. */
export type InterfaceSpec = ({ readonly network: string } | { readonly bridge: string } | { readonly user: true }) & {
  readonly mac?: string;
  readonly model?: string;
  readonly bootOrder?: number;
};

/** The first serial port, and the console on it: to be opened, or written to a file. */
export type ConsoleSpec = "pty" | { readonly file: string };

export type GraphicsSpec =
  | "vnc"
  | "spice"
  | { readonly type: "vnc" | "spice"; readonly listen?: string; readonly port?: number };

/** What a domain is to be. What is not said is the driver's choice. */
export interface DomainSpec {
  readonly name: string;
  /** Default "kvm". */
  readonly type?: "kvm" | "qemu" | "xen" | "test" | "lxc";
  readonly uuid?: string;
  readonly title?: string;
  readonly description?: string;
  readonly memory: Size;
  /** What it has of that at first. */
  readonly currentMemory?: Size;
  /** Default 1. */
  readonly vcpus?: number | { readonly maximum: number; readonly current: number };
  readonly cpu?: "host-passthrough" | "host-model" | "maximum" | { readonly model: string };
  readonly arch?: string;
  readonly machine?: string;
  readonly firmware?: "bios" | "efi";
  readonly osType?: "hvm" | "xen" | "xenpvh" | "exe";
  /** Devices to start from, in this order. */
  readonly boot?: readonly ("hd" | "cdrom" | "network" | "fd")[];
  /** Started without a boot loader. */
  readonly kernel?: { readonly path: string; readonly initrd?: string; readonly commandLine?: string };
  /** Default: acpi and apic for hvm. */
  readonly features?: readonly string[];
  readonly disks?: readonly DiskSpec[];
  readonly interfaces?: readonly InterfaceSpec[];
  readonly console?: ConsoleSpec;
  readonly graphics?: GraphicsSpec;
  /** A channel for the guest agent. */
  readonly agent?: boolean;
  /** Whatever else: elements as text, put into `devices`. */
  readonly devices?: readonly string[];
}

/** What can be changed of one that is there; what is not named stays as it is. */
export interface DomainChange
  extends Partial<
    Pick<DomainSpec, "name" | "uuid" | "title" | "description" | "memory" | "currentMemory" | "vcpus" | "cpu">
  > {}
