import { randomUUID } from "node:crypto";
import { type ErrorCode, ErrorDomain, ErrorCode as errors, VirError } from "../../protocol/index.ts";
import { Element, parseXml, XmlError } from "../../xml/index.ts";
import { writeWithMetadata } from "./metadata-text.ts";
import { type Places } from "./xml-places.ts";

/** A kind of XML that clients give. */
export interface Kind {
  /** Of the root element. */
  readonly root: string;
  /** Who complains about it. */
  readonly domain: ErrorDomain;
  /** As libvirt names the text when it is not well-formed. */
  readonly place: string;
}

/** What libvirt makes of it. */
export interface Schema extends Kind {
  /** In which order libvirt shows the children of an element; what is not named keeps its place behind them. */
  readonly children: Places;
  readonly attributes: Places;
  /** Elements that are written with an end of their own, even when nothing is in them: patterns of their names. */
  readonly opened: readonly string[];
}

/** In UTF-16 units. Objects of the host are read in one go, between two calls of others. */
const longest = 32_768;

/** The root of a text of that kind. Throws VirError. */
export function readRoot(xml: string, { root: name, domain, place }: Kind): Element {
  const root = parse(xml, domain, place);
  if (root.name === name) return root;
  throw VirError.of(errors.xmlError, ErrorDomain.xml, `expecting root element of '${name}', not '${root.name}'`);
}

function parse(xml: string, domain: ErrorDomain, place: string): Element {
  try {
    return parseXml(xml, { length: longest }).root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(${place}):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(errors.xmlDetail, domain, detail, error);
  }
}

/** The uuid of an object, a new one where it has none; as libvirt writes it, it stands behind the name. */
export function fillUuid(root: Element, code: ErrorCode, domain: ErrorDomain): string {
  const element = root.first("uuid");
  if (element === undefined) {
    const uuid = randomUUID();
    root.insertAfter(["name"], Element.leaf("uuid", uuid));
    return uuid;
  }
  const uuid = spellUuid(element.text);
  if (uuid === undefined) throw VirError.of(code, domain, "malformed uuid element");
  element.setText(uuid);
  return uuid;
}

/** In small letters, with its four dashes, however it is written; undefined when it is none. */
export function spellUuid(text: string): string | undefined {
  const hex = text.replace(/[\s-]/g, "").toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** A child element, added at the end where it is missing. */
export function fillChild(parent: Element, name: string): Element {
  const found = parent.first(name);
  if (found !== undefined) return found;
  const added = new Element(name);
  parent.children.push(added);
  return added;
}

/** An attribute, unless it has a value. */
export function fillAttribute(element: Element, name: string, value: string): void {
  if (element.attribute(name) === undefined) element.setAttribute(name, value);
}

/** Without it, which libvirt does not show. */
export function removeChildren(parent: Element, ...names: readonly string[]): void {
  for (const name of names) {
    for (const child of parent.all(name)) parent.children.splice(parent.children.indexOf(child), 1);
  }
}

/** As libvirt shows it; `root` is in its order already. */
export function formatObject(root: Element, { opened }: Pick<Schema, "opened">): string {
  const empty = new RegExp(`^( *)<(${opened.join("|")})((?: [^>]*)?)/>$`, "gm");
  return writeWithMetadata(root, (text) => text.replace(empty, "$1<$2$3>\n$1</$2>"));
}
