import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { type Document, Element, type Pause, parseXml, readXml, writeXml, XmlError } from "../xml/index.ts";
import { writeLoose } from "./objects/metadata-text.ts";
import { worded } from "./objects/worded.ts";

/** virDomainMetadataType: the two that are plain text, and the user's own elements. */
const metadataNames: Readonly<Record<number, string>> = { 0: "description", 1: "title" };
const ownType = 2;

/** What a client has given, to be put into a definition. */
export interface GivenMetadata {
  readonly type: number;
  /** Null or empty: it is to go. */
  readonly metadata: string | null;
  readonly key: string | null;
  readonly uri: string | null;
}

/** What a definition has of one type. Throws VirError when it has none. */
export function metadataOf(root: Element, type: number, uri: string | null): string {
  const name = metadataNames[type];
  const metadata = name === undefined ? ownText(root, uri ?? "") : root.first(name)?.text;
  if (metadata === undefined || metadata === "") throw missingMetadata();
  return metadata;
}

/** Hands `use` what puts it there: at once when there is nothing to read, else with pauses. Throws or rejects with VirError. */
export function readMetadata<T>(
  { type, metadata, key, uri }: GivenMetadata,
  pause: Pause,
  use: (edit: (root: Element) => void) => T,
): T | Promise<T> {
  const name = metadataNames[type];
  if (name !== undefined) return use((root) => setText(root, name, metadata ?? ""));
  if (metadata === null) return use((root) => setOwn(root, uri ?? "", undefined));
  checkPrefix(key ?? "");
  return readXml(metadata, pause, (read) => {
    const own = ownElement(read, key ?? "", uri ?? "");
    return use((root) => setOwn(root, uri ?? "", own));
  });
}

/** Throws VirError. */
export function checkType(type: number): void {
  if (type < 0 || type > ownType)
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `unknown metadata type '${type}'`);
}

/** The user's key becomes a part of names. Throws VirError. */
function checkPrefix(key: string): void {
  if (/^[\p{L}_][\p{L}\p{M}\p{N}._-]*$/u.test(key)) return;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.xml, "failed to validate prefix for a new XML namespace");
}

/** Sets or, when it is empty, removes title or description. */
function setText(root: Element, name: string, value: string): void {
  const known = root.first(name);
  if (known !== undefined) root.children.splice(root.children.indexOf(known), 1);
  if (value !== "") root.children.push(Element.leaf(name, value));
}

/** Sets or removes the user's element of that namespace. */
function setOwn(root: Element, uri: string, element: Element | undefined): void {
  let metadata = root.first("metadata");
  if (metadata === undefined) {
    metadata = new Element("metadata");
    root.children.push(metadata);
  }
  const kept = metadata.children.filter((node) => node.kind !== "element" || node.uri !== uri);
  if (element !== undefined) kept.push(element);
  metadata.children.splice(0, metadata.children.length, ...kept);
  if (metadata.elements().length === 0) root.children.splice(root.children.indexOf(metadata), 1);
}

/** The user's element, with its namespace under the prefix that he has chosen. Throws VirError. */
function ownElement(read: () => Document, key: string, uri: string): Element {
  let root: Element;
  try {
    ({ root } = read());
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(metadata_xml):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail, error);
  }
  const own = new Element(`${key}:${root.localName}`, {}, root.children, uri);
  own.attributes.push({ name: `xmlns:${key}`, value: uri }, ...root.attributes);
  checkTag(own);
  return own;
}

/** What is inside was read as it is; prefix and namespace are whatever the user says, and there may be such already. */
function checkTag({ name, attributes }: Element): void {
  try {
    parseXml(writeXml(new Element(name, [...attributes])));
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw VirError.of(ErrorCode.internalError, ErrorDomain.xml, "failed to create a new XML namespace", error);
  }
}

/** As the user gave it, without namespace. */
function ownText(root: Element, uri: string): string | undefined {
  const own = root
    .first("metadata")
    ?.elements()
    .find((each) => each.uri === uri);
  if (own === undefined) return undefined;
  const plain = new Element(own.localName, {}, own.children);
  plain.attributes.push(...own.attributes.filter(({ value, name }) => !(name.startsWith("xmlns") && value === uri)));
  return writeLoose(plain);
}

/** Nothing is there. */
function missingMetadata(): VirError {
  const detail = "Requested metadata element is not present";
  return worded(ErrorCode.noDomainMetadata, ErrorDomain.domain, "metadata not found", detail);
}
