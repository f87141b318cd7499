import { randomUUID } from "node:crypto";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { type Document, Element, parseXml, writeXml, XmlError } from "../xml/index.ts";
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
  readonly #document: Document;

  private constructor(document: Document) {
    const { root } = document;
    root.removeAttribute("id");
    this.#document = document;
    this.type = readType(root);
    this.name = readName(root);
    this.uuid = fillUuid(root);
    [this.memoryKib, this.currentMemoryKib] = fillMemory(root);
    [this.maxVcpus, this.vcpus] = fillVcpu(root);
    this.osType = readOsType(root);
    this.disks = readDisks(root.find("devices")?.all("disk") ?? []);
    this.serials = (root.find("devices")?.all("serial") ?? []).map(readSerial);
  }

  /** Throws VirError, worded and numbered as libvirt's. */
  static parse(source: string): Definition {
    let document: Document;
    try {
      document = parseXml(source);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      const detail = `(domain_definition):${error.line}: ${error.message}\n${error.excerpt}`;
      throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail, error);
    }
    const definition = new Definition(document);
    if (definition.toXml().length <= longestShown) return definition;
    throw failure(ErrorCode.xmlError, `the definition is longer than ${longestShown} characters: leave something out`);
  }

  /** The tree, to read from. */
  get root(): Element {
    return this.#document.root;
  }

  /** The text of the first element at that path below the root, if there is one and it is not empty. */
  textOf(...path: string[]): string | undefined {
    return this.root.find(...path)?.text.trim() || undefined;
  }

  /** Another definition, changed by `edit`. */
  with(edit: (root: Element) => void): Definition {
    const root = this.root.clone();
    edit(root);
    return new Definition({ ...this.#document, root });
  }

  /** As `virsh dumpxml` shows it; `id` is that of the running domain. */
  toXml(id?: number): string {
    if (id === undefined) return writeXml(this.root);
    const root = this.root.clone();
    root.setAttribute("id", String(id));
    return writeXml(root);
  }
}

/**
 * Layout can make the text much longer than it was given, and what is stored must be readable again. So this is less
 * than the parser takes, and what a run adds has room.
 */
const longestShown = 1_000_000;

const domainTypes = "qemu kqemu kvm xen lxc uml openvz test vmware hyperv vbox phyp parallels bhyve vz hvf".split(" ");

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
  if (name.includes("\n")) throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.xml, "invalid char in name: \n");
  if (name.includes("/")) throw failure(ErrorCode.xmlError, `name ${name} cannot contain '/'`);
  return name;
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
