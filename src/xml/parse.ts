import { SaxesParser } from "saxes";
import { excerpt } from "./excerpt.ts";
import { NamespaceScope } from "./namespace-scope.ts";
import { type Attribute, type Document, Element, type Node, text } from "./tree.ts";

export interface ParseLimits {
  /** Of the whole text, in UTF-16 units. Default 1,048,576; the parser takes 5 to 10 million a second. */
  readonly length?: number;
  /** How many elements may stand one in another. Default 256. */
  readonly depth?: number;
  /** How many attributes an element may have: they are checked in one go. Default 1,000. */
  readonly attributes?: number;
  /**
   * How many elements, attributes, comments, instructions and CDATA sections there may be: what is done with a whole
   * tree is done in one go. Default 32,768. Text does not count, so that layout does not.
   */
  readonly nodes?: number;
}

export interface ChunkOptions extends ParseLimits {
  /** UTF-16 units that are read in one stretch. Default 8,192: 1 or 2 ms, and 5 of the most hostile. */
  readonly chunk?: number;
}

/** Lets others have their turn: resolves in a later one, or rejects when the work is not wanted any more. */
export type Pause = () => Promise<void>;

/** The text is not well-formed, or larger than the limits. */
export class XmlError extends Error {
  override readonly name = "XmlError";
  /** From 1. */
  readonly line: number;
  /** Characters of the line before the error was noticed. */
  readonly column: number;
  /** The line, and under it a mark at the column. */
  readonly excerpt: string;

  /** `position` is that of the error in `source`. */
  constructor(message: string, line: number, column: number, source: string, position: number) {
    super(message);
    this.line = line;
    this.column = column;
    this.excerpt = excerpt(source, position, column);
  }
}

/**
 * Parses a whole document with namespaces, as XML 1.0. Document type declarations are refused, so that no entity beside
 * the five of XML can be. Throws XmlError.
 */
export function parseXml(source: string, limits: ParseLimits = {}): Document {
  const reader = new TreeReader(source, limits);
  reader.read(source.length);
  return reader.end();
}

/** As `parseXml`, with pauses between the chunks. Rejects with XmlError, or with what `pause` rejects with. */
export async function parseXmlInChunks(source: string, pause: Pause, options: ChunkOptions = {}): Promise<Document> {
  const { chunk = 8_192 } = options;
  const reader = new TreeReader(source, options);
  while (reader.read(chunk)) await pause();
  return reader.end();
}

/** UTF-16 units that are read in less than 5 ms. */
export const shortLength = 16_384;

/**
 * Gives `use` the document, to be read when it asks: at once when the text is short, else with pauses, and then it is
 * `use` that hears of the XmlError. Rejects with what `pause` rejects with.
 */
export function readXml<T>(source: string, pause: Pause, use: (read: () => Document) => T): T | Promise<T> {
  return source.length <= shortLength ? use(() => parseXml(source)) : readWithPauses(source, pause, use);
}

async function readWithPauses<T>(source: string, pause: Pause, use: (read: () => Document) => T): Promise<T> {
  let document: Document;
  try {
    document = await parseXmlInChunks(source, pause);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return use(() => {
      throw error;
    });
  }
  return use(() => document);
}

/** saxes would look through all the elements around for every prefix. */
class ScopedParser extends SaxesParser<{ xmlns: true; defaultXMLVersion: "1.0"; forceXMLVersion: true }> {
  readonly scope = new NamespaceScope();

  override resolve(prefix: string): string | undefined {
    return this.scope.resolve(prefix);
  }
}

/** Makes a tree of a text, a part at a time. After it has thrown it is of no use. */
class TreeReader {
  readonly #source: string;
  readonly #limits: Required<ParseLimits>;
  readonly #parser = new ScopedParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  readonly #before: Node[] = [];
  readonly #after: Node[] = [];
  readonly #open: Element[] = [];
  /** Of the tag that is being read. */
  #attributes: Attribute[] = [];
  #root: Element | undefined;
  #nodes = 0;
  #position = 0;

  constructor(source: string, { length = 1_048_576, depth = 256, attributes = 1_000, nodes = 32_768 }: ParseLimits) {
    this.#source = source;
    this.#limits = { length, depth, attributes, nodes };
    if (source.length > length) throw new XmlError(`the document is longer than ${length} characters`, 1, 0, source, 0);
    this.#listen();
  }

  /** Reads on. False when it has come to the end. */
  read(length: number): boolean {
    this.#parser.write(this.#source.slice(this.#position, this.#position + length));
    this.#position += length;
    return this.#position < this.#source.length;
  }

  end(): Document {
    this.#parser.close();
    return { before: this.#before, root: this.#root ?? this.#fail("the document is empty"), after: this.#after };
  }

  #listen(): void {
    const parser = this.#parser;
    parser.on("error", (error) => this.#fail(plain(error.message)));
    parser.on("doctype", () => this.#fail("a document type declaration is not accepted: remove it"));
    parser.on("text", (value) => this.#add(text(value)));
    parser.on("cdata", (value) => this.#add({ kind: "text", value, cdata: true }));
    parser.on("comment", (value) => this.#add({ kind: "comment", value }));
    parser.on("processinginstruction", ({ target, body }) => this.#add({ kind: "instruction", target, body }));
    parser.on("attribute", ({ name, prefix, local, value }) => {
      this.#count();
      const { attributes } = this.#limits;
      if (this.#attributes.length === attributes) this.#fail(`an element has more than ${attributes} attributes`);
      this.#attributes.push({ name, value });
      if (prefix === "xmlns") parser.scope.declare(local, value.trim());
      else if (name === "xmlns") parser.scope.declare("", value.trim());
    });
    parser.on("opentag", ({ name, uri }) => this.#begin(name, uri));
    parser.on("closetag", () => {
      this.#open.pop();
      parser.scope.leave();
    });
  }

  #begin(name: string, uri: string): void {
    const { depth } = this.#limits;
    if (this.#open.length === depth) this.#fail(`elements are nested deeper than ${depth}`);
    this.#parser.scope.enter();
    const element = new Element(name, this.#attributes, [], uri);
    this.#attributes = [];
    if (this.#open.length > 0) this.#add(element);
    else this.#root = element;
    this.#open.push(element);
  }

  #add(node: Node): void {
    if (node.kind !== "text" || node.cdata) this.#count();
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.children.push(node);
    else if (node.kind !== "text") (this.#root === undefined ? this.#before : this.#after).push(node);
  }

  #count(): void {
    const { nodes } = this.#limits;
    if (this.#nodes++ === nodes) this.#fail(`the document has more than ${nodes} elements and attributes`);
  }

  #fail(message: string): never {
    const { line, column, position } = this.#parser;
    throw new XmlError(message, line, column, this.#source, position);
  }
}

/** saxes writes `line:column: ` before each message, and names of any length in it. */
function plain(message: string): string {
  const words = message.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
  return words.length > 200 ? `${words.slice(0, 200)}...` : words;
}
