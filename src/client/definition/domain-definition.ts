import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type Document, Element, element, parseXml, writeXml, XmlError } from "../../xml/index.ts";
import { diskElement, interfaceElement } from "./device-elements.ts";
import type { DiskSpec, DomainChange, InterfaceSpec } from "./domain-spec.ts";
import { bytesOf, kibOf, type Size } from "./size.ts";

/** A disk as the definition has it. */
export interface DiskView {
  /** "vda" */
  readonly target: string;
  readonly device: string;
  /** The image's path, device or volume; undefined for an empty drive. */
  readonly source: string | undefined;
  readonly format: string | undefined;
  readonly bus: string | undefined;
}

/** Elements in the order in which libvirt writes them, as far as it is known here: a new one goes behind those before it. */
const order = [
  "name",
  "uuid",
  "genid",
  "title",
  "description",
  "metadata",
  "maxMemory",
  "memory",
  "currentMemory",
  "vcpu",
  "os",
  "features",
  "cpu",
];

/**
 * What a domain is to be, in libvirt's XML: a typed view over the tree as it was written. It never changes: each edit gives
 * another one, in which everything else, known here or not, is as it was, comments and unknown elements too.
 *
 * To be given wherever a method takes XML.
 */
export class DomainDefinition {
  readonly #document: Document;

  constructor(document: Document) {
    this.#document = document;
  }

  /** Throws VirError (xmlDetail) for what is no XML, or no domain's. */
  static parse(xml: string): DomainDefinition {
    try {
      const document = parseXml(xml);
      if (document.root.name === "domain") return new DomainDefinition(document);
      throw VirError.of(
        ErrorCode.xmlError,
        ErrorDomain.xml,
        `expecting root element of 'domain', not '${document.root.name}'`,
      );
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      throw VirError.of(
        ErrorCode.xmlDetail,
        ErrorDomain.domain,
        `${error.line}: ${error.message}\n${error.excerpt}`,
        error,
      );
    }
  }

  /** A copy of the tree, for what is not to be had here. */
  get root(): Element {
    return this.#document.root.clone();
  }

  get name(): string {
    return this.#text("name") ?? "";
  }

  get uuid(): string | undefined {
    return this.#text("uuid");
  }

  get title(): string | undefined {
    return this.#text("title");
  }

  /** In bytes. */
  get memory(): bigint {
    return this.#size("memory") ?? 0n;
  }

  /** In bytes. */
  get currentMemory(): bigint {
    return this.#size("currentMemory") ?? this.memory;
  }

  get vcpus(): { readonly maximum: number; readonly current: number } {
    const vcpu = this.#document.root.first("vcpu");
    const maximum = Number(vcpu?.text.trim() || 1);
    return { maximum, current: Number(vcpu?.attribute("current") ?? maximum) };
  }

  get disks(): readonly DiskView[] {
    return this.#devices("disk").map((disk) => ({
      target: disk.first("target")?.attribute("dev") ?? "",
      device: disk.attribute("device") ?? "disk",
      source: ["file", "dev", "volume", "name"]
        .map((key) => disk.first("source")?.attribute(key))
        .find((value) => value !== undefined),
      format: disk.first("driver")?.attribute("type"),
      bus: disk.first("target")?.attribute("bus"),
    }));
  }

  /** Another one, with these things changed. */
  with(change: DomainChange): DomainDefinition {
    return this.edit((root) => {
      for (const key of ["name", "uuid", "title", "description"] as const)
        if (change[key] !== undefined) put(root, key, change[key]);
      if (change.memory !== undefined) putSize(root, "memory", change.memory);
      // More at first than there is at all is refused.
      const first = change.currentMemory ?? this.#fitting(change.memory);
      if (first !== undefined) putSize(root, "currentMemory", first);
      if (change.vcpus !== undefined) putVcpus(root, change.vcpus);
      if (change.cpu !== undefined) putCpu(root, change.cpu);
    });
  }

  addDisk(spec: DiskSpec): DomainDefinition {
    const taken = new Set(this.disks.map(({ target }) => target));
    return this.#addDevice(diskElement(spec, taken));
  }

  /** Throws VirError (invalidArg) when there is none. */
  removeDisk(target: string): DomainDefinition {
    if (!this.disks.some((disk) => disk.target === target)) {
      const known = this.disks.map((disk) => disk.target).join(", ") || "none";
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `no disk ${target}; there are: ${known}`);
    }
    return this.edit((root) => {
      const devices = root.first("devices");
      const place = devices?.children.findIndex(
        (child) =>
          child.kind === "element" && child.name === "disk" && child.first("target")?.attribute("dev") === target,
      );
      if (place !== undefined && place >= 0) devices?.children.splice(place, 1);
    });
  }

  addInterface(spec: InterfaceSpec): DomainDefinition {
    return this.#addDevice(interfaceElement(spec));
  }

  /** Adds an element that is given as text. Throws VirError (xmlDetail). */
  addDevice(xml: string): DomainDefinition {
    return this.#addDevice(parseElement(xml));
  }

  /** Another one, changed by hand: `change` gets the tree of the new one. */
  edit(change: (root: Element) => void): DomainDefinition {
    const root = this.root;
    change(root);
    return new DomainDefinition({ ...this.#document, root });
  }

  toXml(): string {
    return writeXml(this.#document);
  }

  toString(): string {
    return this.toXml();
  }

  #addDevice(device: Element): DomainDefinition {
    return this.edit((root) => {
      const devices = root.first("devices") ?? element("devices");
      if (!root.children.includes(devices)) root.children.push(devices);
      const hasOthers = devices.elements().some(({ name }) => name === device.name);
      if (hasOthers) devices.insertAfter([device.name], device);
      else devices.children.push(device);
    });
  }

  /** What the domain has at first, when less memory would not do for it. */
  #fitting(memory: Size | undefined): Size | undefined {
    if (memory === undefined || this.#size("currentMemory") === undefined) return undefined;
    // It had all of it, so it is to have all of it.
    if (this.currentMemory === this.memory || this.currentMemory > bytesOf(memory)) return memory;
    return undefined;
  }

  #devices(name: string): Element[] {
    return this.#document.root.first("devices")?.all(name) ?? [];
  }

  #text(name: string): string | undefined {
    return this.#document.root.first(name)?.text.trim() || undefined;
  }

  #size(name: string): bigint | undefined {
    const size = this.#document.root.first(name);
    return size === undefined ? undefined : bytesOf(`${size.text.trim()}${size.attribute("unit") ?? "KiB"}`);
  }
}

/** Throws VirError (xmlDetail). */
export function parseElement(xml: string): Element {
  try {
    return parseXml(xml).root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw VirError.of(
      ErrorCode.xmlDetail,
      ErrorDomain.domain,
      `${error.line}: ${error.message}\n${error.excerpt}`,
      error,
    );
  }
}

/** Changes an element's text, or adds it where libvirt has it. */
export function put(root: Element, name: string, value: string): Element {
  const there = root.first(name);
  if (there !== undefined) {
    there.setText(value);
    return there;
  }
  const made = Element.leaf(name, value);
  root.insertAfter(order.slice(0, order.indexOf(name)), made);
  return made;
}

export function putSize(root: Element, name: string, size: Size): void {
  put(root, name, String(kibOf(size))).setAttribute("unit", "KiB");
}

export function putVcpus(root: Element, vcpus: NonNullable<DomainChange["vcpus"]>): void {
  const { maximum, current } = typeof vcpus === "number" ? { maximum: vcpus, current: vcpus } : vcpus;
  const made = put(root, "vcpu", String(maximum));
  if (current === maximum) made.removeAttribute("current");
  else made.setAttribute("current", String(current));
}

export function putCpu(root: Element, cpu: NonNullable<DomainChange["cpu"]>): void {
  const made =
    typeof cpu === "string"
      ? element("cpu", { mode: cpu })
      : element("cpu", { mode: "custom", match: "exact" }, [Element.leaf("model", cpu.model, { fallback: "allow" })]);
  const place = root.children.findIndex((child) => child.kind === "element" && child.name === "cpu");
  // A topology that was chosen stays.
  const kept =
    root
      .first("cpu")
      ?.elements()
      .filter(({ name }) => name === "topology" || name === "numa") ?? [];
  made.children.push(...kept);
  if (place >= 0) root.children.splice(place, 1, made);
  else root.insertAfter(order.slice(0, order.indexOf("cpu")), made);
}
