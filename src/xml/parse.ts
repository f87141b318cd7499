import { SaxesParser, type SaxesTagNS } from "saxes";
import { type Document, Element, type Node, text } from "./tree.ts";

export interface ParseLimits {
  /** Of the whole text, in UTF-16 units. Default 1,048,576; the parser takes about 7 million a second. */
  readonly length?: number;
  /** How many elements may stand one in another. Default 256. */
  readonly depth?: number;
}

/** The text is not well-formed, or larger than the limits. */
export class XmlError extends Error {
  override readonly name = "XmlError";
  /** From 1. */
  readonly line: number;
  /** Characters of the line before the error was noticed. */
  readonly column: number;
  /** The line, and under it a mark at the column. */
  readonly excerpt: string;

  constructor(message: string, line: number, column: number, source: string) {
    super(message);
    this.line = line;
    this.column = column;
    this.excerpt = excerpt(source.split(/\r\n?|\n/, line).at(line - 1) ?? "", column);
  }
}

/**
 * Parses a whole document with namespaces, as XML 1.0. Document type declarations are refused, so that no entity beside
 * the five of XML can be. Throws XmlError.
 */
export function parseXml(source: string, limits: ParseLimits = {}): Document {
  const { length = 1_048_576, depth = 256 } = limits;
  if (source.length > length) throw new XmlError(`the document is longer than ${length} characters`, 1, 0, source);
  const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  const before: Node[] = [];
  const after: Node[] = [];
  const open: Element[] = [];
  let root: Element | undefined;
  const fail = (message: string): never => {
    throw new XmlError(message, parser.line, parser.column, source);
  };
  const add = (node: Node): void => {
    const parent = open.at(-1);
    if (parent !== undefined) parent.children.push(node);
    else if (node.kind !== "text") (root === undefined ? before : after).push(node);
  };
  parser.on("error", (error) => fail(withoutPosition(error.message)));
  parser.on("doctype", () => fail("a document type declaration is not accepted: remove it"));
  parser.on("text", (value) => add(text(value)));
  parser.on("cdata", (value) => add({ kind: "text", value, cdata: true }));
  parser.on("comment", (value) => add({ kind: "comment", value }));
  parser.on("processinginstruction", ({ target, body }) => add({ kind: "instruction", target, body }));
  parser.on("opentag", (tag) => {
    if (open.length === depth) fail(`elements are nested deeper than ${depth}`);
    const element = toElement(tag);
    if (open.length > 0) add(element);
    else root = element;
    open.push(element);
  });
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(source).close();
  return { before, root: root ?? fail("the document is empty"), after };
}

function toElement(tag: SaxesTagNS): Element {
  const element = new Element(tag.name, {}, [], tag.uri);
  for (const { name, value } of Object.values(tag.attributes)) element.attributes.push({ name, value });
  return element;
}

/** saxes writes `line:column: ` before each message. */
function withoutPosition(message: string): string {
  return message.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
}

/** At most 80 characters of the line, the end of them the place of the error. */
function excerpt(line: string, column: number): string {
  const characters = Array.from(line);
  const from = Math.max(0, Math.min(column, characters.length) - 60);
  const shown = characters.slice(from, from + 80).join("");
  return `${shown}\n${"-".repeat(Math.max(0, column - from - 1))}^`;
}
