import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { type Document, Element, parseXml, writeXml, XmlError } from "../xml/index.ts";
import { writeLoose } from "./objects/metadata-text.ts";
import { worded } from "./objects/worded.ts";

/** virDomainMetadataType: the two that are plain text, and the user's own elements. */
export const metadataNames: Readonly<Record<number, string>> = { 0: "description", 1: "title" };
const ownType = 2;

/** Throws VirError. */
export function checkType(type: number): void {
  if (type < 0 || type > ownType)
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `unknown metadata type '${type}'`);
}

/** The user's key becomes a part of names. Throws VirError. */
export function checkPrefix(key: string): void {
  if (/^[\p{L}_][\p{L}\p{M}\p{N}._-]*$/u.test(key)) return;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.xml, "failed to validate prefix for a new XML namespace");
}

/** Sets or, when it is empty, removes title or description. */
export function setText(root: Element, name: string, value: string): void {
  const known = root.first(name);
  if (known !== undefined) root.children.splice(root.children.indexOf(known), 1);
  if (value !== "") root.children.push(Element.leaf(name, value));
}

/** Sets or removes the user's element of that namespace. */
export function setOwn(root: Element, uri: string, element: Element | undefined): void {
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
export function ownElement(read: () => Document, key: string, uri: string): Element {
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
export function ownText(root: Element, uri: string): string | undefined {
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
export function missingMetadata(): VirError {
  const detail = "Requested metadata element is not present";
  return worded(ErrorCode.noDomainMetadata, ErrorDomain.domain, "metadata not found", detail);
}
