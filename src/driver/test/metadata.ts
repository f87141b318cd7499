import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { type Document, Element, parseXml, readXml, writeXml, XmlError } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { writeLoose } from "../objects/metadata-text.ts";
import { worded } from "../objects/worded.ts";
import { checkFlags } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainMetadataType: the two that are plain text, and the user's own elements. */
const names: Readonly<Record<number, string>> = { 0: "description", 1: "title" };
const ownType = 2;
const allFlags = affect.live | affect.config;

/** Title, description and elements of the user's own. */
export function metadataProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      checkFlags(flags, allFlags, "testDomainGetMetadata");
      checkType(type);
      const { root } = find(dom).target(flags);
      const name = names[type];
      const metadata = name === undefined ? ownText(root, uri ?? "") : root.first(name)?.text;
      if (metadata === undefined || metadata === "") throw missing();
      return { metadata };
    },
    domainSetMetadata: ({ dom, type, metadata, key, uri, flags }, { signal }) => {
      checkFlags(flags, allFlags, "testDomainSetMetadata");
      checkType(type);
      const name = names[type];
      const set = (own?: Element): void => {
        const guest = find(dom);
        guest.edit(flags, (root) => {
          if (name === undefined) setOwn(root, uri ?? "", own);
          else setText(root, name, metadata ?? "");
        });
        hypervisor.tell({ name: "metadataChange", dom: guest.reference, type, nsuri: uri });
      };
      if (name !== undefined || metadata === null) return set();
      checkPrefix(key ?? "");
      return readXml(metadata, hypervisor.pauseFor(signal), (read) => set(ownElement(read, key ?? "", uri ?? "")));
    },
  };
}

function checkType(type: number): void {
  if (type < 0 || type > ownType)
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, `unknown metadata type '${type}'`);
}

/** It becomes a part of names. */
function checkPrefix(key: string): void {
  if (/^[\p{L}_][\p{L}\p{M}\p{N}._-]*$/u.test(key)) return;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.xml, "failed to validate prefix for a new XML namespace");
}

function setText(root: Element, name: string, value: string): void {
  const known = root.first(name);
  if (known !== undefined) root.children.splice(root.children.indexOf(known), 1);
  if (value !== "") root.children.push(Element.leaf(name, value));
}

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

/** The user's element, with its namespace under the prefix that he has chosen. */
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

function missing(): VirError {
  const detail = "Requested metadata element is not present";
  return worded(ErrorCode.noDomainMetadata, ErrorDomain.domain, "metadata not found", detail);
}
