import { randomUUID } from "node:crypto";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import {
  type Document,
  Element,
  type ParseLimits,
  type Pause,
  parseXml,
  parseXmlInChunks,
  shortLength,
  writeXml,
  writeXmlInChunks,
  XmlError,
} from "../xml/index.ts";
import { type DiskDefinition, readDisks } from "./disk-definition.ts";
import { fillMemory, fillVcpu } from "./resources.ts";

/** A serial port of the guest, and where it leads on the host. */
export interface SerialDefinition {
  /** "file", "pty", ... */
  readonly type: string;
  readonly path: string | undefined;
  readonly append: boolean;
}

/**
 * What a domain is to be, in libvirt's XML: a typed view over the tree as it was written, unknown elements, comments
 * and order included. What libvirt always shows is added where it is missing (uuid, sizes in KiB, vcpu); the id
 * of a run is left out.
 *
 * Immutable: a change makes another Definition.
 *
 * Of ten thousand of them nobody reads most: a short one is kept as text once it has been written, and its tree is read
 * again for whoever wants it.
 */
export class Definition {
  readonly type: string;
  readonly name: string;
  /** 36 lower-case characters. */
  readonly uuid: string;
  readonly memoryKib: number;
  /** What the balloon leaves to the guest. */
  readonly currentMemoryKib: number;
  readonly maxVcpus: number;
  readonly vcpus: number;
  readonly osType: string;
  readonly disks: readonly DiskDefinition[];
  readonly serials: readonly SerialDefinition[];
  /** What stands around the root. */
  readonly #around: Pick<Document, "before" | "after">;
  /** The tree, until there is a short text that it can be read from again. */
  #tree: Element | undefined;
  #cached: WeakRef<Element>;
  /** As it is shown without an id, once somebody has asked. */
  #text: string | undefined;

  private constructor(document: Document) {
    const { root } = document;
    root.removeAttribute("id");
    this.#around = { before: document.before, after: document.after };
    this.#tree = root;
    this.#cached = new WeakRef(root);
    this.type = readType(root);
    this.name = readName(root);
    this.uuid = fillUuid(root);
    checkTitle(root);
    [this.memoryKib, this.currentMemoryKib] = fillMemory(root);
    [this.maxVcpus, this.vcpus] = fillVcpu(root);
    this.osType = readOsType(root);
    this.disks = readDisks(root.find("devices")?.all("disk") ?? []);
    this.serials = (root.find("devices")?.all("serial") ?? []).map(readSerial);
  }

  /**
   * Throws VirError, worded and numbered as libvirt's. `complete` may fill in what is missing, once all is known to be
   * right.
   */
  static parse(source: string, complete?: Completion, limits?: ParseLimits): Definition {
    let document: Document;
    try {
      document = parseXml(source, limits);
    } catch (error) {
      throw unreadable(error);
    }
    return Definition.#written(Definition.#of(document, complete));
  }

  /** What `toXml` has written. */
  static restore(source: string): Definition {
    return Definition.parse(source, undefined, written);
  }

  /** As `parse`; a text that would hold up others is read with pauses, and what they reject with this rejects with. */
  static async parseWithPauses(source: string, pause: Pause, complete?: Completion): Promise<Definition> {
    if (source.length <= shortLength) return Definition.parse(source, complete);
    const document = await parseXmlInChunks(source, pause).catch((error: unknown) => {
      throw unreadable(error);
    });
    await pause();
    const definition = Definition.#of(document, complete);
    await pause();
    const text = await writeXmlInChunks(definition.root, pause, shown).catch((error: unknown) => {
      throw unwritable(error);
    });
    definition.#keep(text);
    return definition;
  }

  /** From a tree, which is the definition's from then on. */
  static of(root: Element, complete?: Completion): Definition {
    return Definition.#written(Definition.#of({ before: [], root, after: [] }, complete));
  }

  static #written(definition: Definition): Definition {
    try {
      definition.#keep(writeXml(definition.root, shown));
      return definition;
    } catch (error) {
      throw unwritable(error);
    }
  }

  static #of(document: Document, complete: Completion | undefined): Definition {
    const definition = new Definition(document);
    if (complete === undefined) return definition;
    complete(document.root, definition);
    return new Definition(document);
  }

  /** The tree, to read from. */
  get root(): Element {
    const known = this.#tree ?? this.#cached.deref();
    if (known !== undefined) return known;
    const { root } = parseXml(this.#text ?? "", written);
    this.#cached = new WeakRef(root);
    return root;
  }

  /** The text of the first element at that path below the root, if there is one and it is not empty. */
  textOf(...path: string[]): string | undefined {
    return this.root.find(...path)?.text.trim() || undefined;
  }

  /** Another definition, changed by `edit`; `complete` as for `parse`. Throws VirError when it cannot be one. */
  with(edit: (root: Element) => void, complete?: Completion): Definition {
    const root = this.root.clone();
    edit(root);
    const definition = Definition.#of({ ...this.#around, root }, complete);
    // Written when somebody wants it, unless it might be too long.
    return mostWritten(root) > shown.length ? Definition.#written(definition) : definition;
  }

  /** As `virsh dumpxml` shows it; `id` is that of the running domain. */
  toXml(id?: number): string {
    if (this.#text === undefined) this.#keep(writeXml(this.root));
    // Within a tag `>` is written as an entity.
    const text = this.#text ?? "";
    return id === undefined ? text : text.replace(">", ` id='${id}'>`);
  }

  #keep(text: string): void {
    this.#text = text;
    if (text.length <= shortLength) this.#tree = undefined;
  }
}

/** Changes the tree of the definition that it is given. */
export type Completion = (root: Element, definition: Definition) => void;

/**
 * Layout can make the text much longer than it was given, and what is stored must be readable again. So this is less
 * than the parser takes, and what a run adds has room.
 */
const shown = { length: 1_000_000 };

/** For what `toXml` has written: that may be more than users may give, as the driver has added to it. */
const written = { nodes: 262_144, depth: 512, attributes: 2_000 };

/** No fewer characters than the element will have, whatever is escaped and indented. */
function mostWritten(element: Element, depth = 0): number {
  let length = 2 * element.name.length + 4 * depth + 8;
  for (const { name, value } of element.attributes) length += name.length + 6 * value.length + 4;
  for (const child of element.children) {
    if (child.kind === "element") length += mostWritten(child, depth + 1);
    else
      length += 6 * (child.kind === "instruction" ? child.target.length + child.body.length : child.value.length) + 16;
  }
  return length;
}

const domainTypes = "qemu kqemu kvm xen lxc uml openvz test vmware hyperv vbox phyp parallels bhyve vz hvf".split(" ");

/** An error of reading, as libvirt words it. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof XmlError)) return error;
  const detail = `(domain_definition):${error.line}: ${error.message}\n${error.excerpt}`;
  return VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail, error);
}

function unwritable(error: unknown): unknown {
  if (!(error instanceof XmlError)) return error;
  const detail = `the definition is longer than ${shown.length} characters: leave something out`;
  return failure(ErrorCode.xmlError, detail);
}

function readType(root: Element): string {
  if (root.name !== "domain") {
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, `expecting root element of 'domain', not '${root.name}'`);
  }
  const type = root.attribute("type");
  if (type === undefined) throw failure(ErrorCode.internalError, "missing domain type attribute");
  if (!domainTypes.includes(type)) throw failure(ErrorCode.configUnsupported, `invalid domain type ${type}`);
  return type;
}

function readName(root: Element): string {
  const name = root.first("name")?.text ?? "";
  if (name === "") {
    const message = "missing name information";
    throw new VirError(message, { code: ErrorCode.noName, domain: ErrorDomain.domain, str1: message });
  }
  // A document has none of these but the newline; a new name may be any text.
  const wrong = /[[\p{Cc}\ufffe\uffff]--[\t\u007f-\u009f]]/v.exec(name)?.[0];
  if (wrong !== undefined) throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.xml, `invalid char in name: ${wrong}`);
  if (name.includes("/")) throw failure(ErrorCode.xmlError, `name ${name} cannot contain '/'`);
  return name;
}

function checkTitle(root: Element): void {
  if (root.first("title")?.text.includes("\n") === true)
    throw failure(ErrorCode.xmlError, "Domain title can't contain newlines");
}

function fillUuid(root: Element): string {
  const element = root.first("uuid");
  if (element === undefined) {
    const uuid = randomUUID();
    root.insertAfter(["name"], Element.leaf("uuid", uuid));
    return uuid;
  }
  const hex = element.text.replace(/[\s-]/g, "").toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) throw failure(ErrorCode.internalError, "malformed uuid element");
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  element.setText(uuid);
  return uuid;
}

function readOsType(root: Element): string {
  const type = root.find("os", "type")?.text.trim();
  if (type === undefined || type === "") throw failure(ErrorCode.xmlError, "an os <type> must be specified");
  if (!["hvm", "xen", "linux", "exe", "uml", "xenpvh"].includes(type)) {
    throw failure(ErrorCode.configUnsupported, `unknown OS type '${type}'`);
  }
  return type;
}

function readSerial(element: Element): SerialDefinition {
  const source = element.first("source");
  return {
    type: element.attribute("type") ?? "pty",
    path: source?.attribute("path"),
    append: source?.attribute("append") !== "off",
  };
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
