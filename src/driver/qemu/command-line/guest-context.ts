import { join } from "node:path";
import type { Definition } from "../../../model/index.ts";
import type { Element } from "../../../xml/index.ts";
import { bootIndexes } from "./boot-order.ts";
import { number, unsupported } from "./reading.ts";

/** A secret as `<secret type='iscsi' uuid='...'/>` or `usage='...'` names it. */
export interface SecretReference {
  readonly type: string;
  readonly uuid: string | undefined;
  readonly usage: string | undefined;
}

/** What a guest's parts depend on beside its definition. */
export interface PartsOptions {
  /** Where the sockets between QEMU and its companions are, and memory that is a file: of this run alone, and short. */
  readonly directory: string;
  /** What stays of the guest from run to run, as the state of its TPM. */
  readonly stateDirectory: string;
  /** The time at which the guest starts, for a clock that differs from the host's: milliseconds since 1970. */
  readonly nowMs: number;
  /** Where memory with pages of that size, in bytes, is mounted; undefined where it is not. */
  readonly hugePagesAt?: (pageBytes: number) => string | undefined;
  /** The value of a secret; undefined when there is none of that name. */
  readonly secretOf?: (secret: SecretReference) => Uint8Array | undefined;
}

/** Below `directory`: what is in there is QEMU's to make, and nothing else is. */
export const memoryDirectory = "memory";

/** What a device's parts depend on beside the device. */
export class GuestContext {
  readonly definition: Definition;
  readonly root: Element;
  readonly devices: Element | undefined;
  readonly machine: string;
  readonly arch: string;
  readonly options: PartsOptions;
  readonly #byName = new Map<string, readonly Element[]>();
  readonly #boot: ReadonlyMap<Element, number>;

  constructor(definition: Definition, options: PartsOptions) {
    // One tree for all: elements are compared.
    this.root = definition.root;
    this.definition = definition;
    this.options = options;
    this.devices = this.root.first("devices");
    const type = this.root.find("os", "type");
    this.machine = type?.attribute("machine") ?? "pc";
    this.arch = type?.attribute("arch") ?? "x86_64";
    this.#boot = bootIndexes(this.root);
  }

  get isX86(): boolean {
    return this.arch === "x86_64" || this.arch === "i686";
  }

  get isQ35(): boolean {
    return /^(pc-)?q35/.test(this.machine);
  }

  /** PCI, of the first generation. */
  get isI440fx(): boolean {
    return /^pc($|-i440fx|-[01]\.)/.test(this.machine);
  }

  /** The definition does not change: each kind is looked for once. */
  all(name: string): readonly Element[] {
    const known = this.#byName.get(name) ?? this.devices?.all(name) ?? [];
    this.#byName.set(name, known);
    return known;
  }

  /** When the firmware tries to boot from it, counted from 1; of a device of another definition its own `<boot>` alone. */
  bootIndex(element: Element): number | undefined {
    return this.#boot.get(element) ?? number(element.first("boot"), "order");
  }

  /** The id of a device: its alias, or what libvirt would call the first, second and so on of its kind. */
  idOf(element: Element, prefix: string): string {
    const alias = element.first("alias")?.attribute("name");
    if (alias !== undefined) return alias;
    const place = this.all(element.name).indexOf(element);
    return `${prefix}${Math.max(0, place)}`;
  }

  /** A socket that serves this run alone, by the device that it is for. Throws VirError when that would lead elsewhere. */
  ownSocket(name: string): string {
    return join(this.options.directory, `${fileName(name)}.sock`);
  }

  /** The same of a file that QEMU makes for a piece of memory. */
  ownMemory(name: string): string {
    return join(this.options.directory, memoryDirectory, fileName(name));
  }

  controller(type: string, index: number): Element | undefined {
    return this.all("controller").find(
      (each) => each.attribute("type") === type && (number(each, "index") ?? 0) === index,
    );
  }

  /** The id of a controller, as libvirt calls those whose alias is not known yet. */
  controllerId(type: string, index: number): string {
    const alias = this.controller(type, index)?.first("alias")?.attribute("name");
    if (alias !== undefined) return alias;
    if (type === "pci") return index === 0 ? (this.isQ35 ? "pcie.0" : "pci.0") : `pci.${index}`;
    if (type === "usb") return index === 0 ? "usb" : `usb${index}`;
    return `${type}${index}`;
  }
}

function fileName(name: string): string {
  if (!/^[\w-][\w.-]*$/.test(name)) throw unsupported(`'${name}' is no name for a file`);
  return name;
}
