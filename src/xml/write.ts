import { type Pause, XmlError } from "./parse.ts";
import type { Document, Element, Node, Text } from "./tree.ts";

export interface WriteOptions {
  /**
   * "libvirt" (default): an element per line, two spaces per level; white space between elements counts as layout and
   * is written anew. "verbatim": nothing is added or left out within the root.
   */
  readonly layout?: "libvirt" | "verbatim";
  /** Longest text, in UTF-16 units: layout can make it hundreds of times what was read. Default: any. */
  readonly length?: number;
}

/**
 * Writes a document or an element the way libvirt does: single quotes, `<empty/>`, a newline at the end. Throws XmlError
 * when that is longer than it may be.
 */
export function writeXml(source: Document | Element, options: WriteOptions = {}): string {
  return [...parts(source, options)].join("");
}

/** UTF-16 units that are written in one stretch: 1 or 2 ms. */
const partLength = 16_384;

/** As `writeXml`, with a pause after about every 16,384 characters. Rejects with XmlError, or with what `pause` rejects with. */
export async function writeXmlInChunks(
  source: Document | Element,
  pause: Pause,
  options: WriteOptions = {},
): Promise<string> {
  const written: string[] = [];
  for (const part of parts(source, options)) {
    if (written.length > 0) await pause();
    written.push(part);
  }
  return written.join("");
}

function* parts(source: Document | Element, { layout = "libvirt", length = Infinity }: WriteOptions) {
  const nodes: readonly Node[] = "root" in source ? [...source.before, source.root, ...source.after] : [source];
  let written = 0;
  for (const part of walk(nodes, layout === "libvirt")) {
    written += part.length;
    if (written > length) throw new XmlError(`the document would be longer than ${length} characters`, 1, 0, "", 0);
    yield part;
  }
}

/** An element whose children are being written. */
interface Level {
  readonly children: readonly Node[];
  next: number;
  /** Every child stands on a line of its own. */
  readonly onLines: boolean;
  readonly indent: string;
  readonly end: string;
}

/** In order, without recursion, in parts of about `partLength`: so each takes the same time however deep it stands. */
function* walk(nodes: readonly Node[], onLines: boolean): Generator<string, void, void> {
  const levels: Level[] = [{ children: nodes, next: 0, onLines, indent: "", end: "" }];
  const part = new Part();
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (part.length >= partLength) yield part.take();
    const node = level.children[level.next++];
    if (node === undefined) {
      levels.pop();
      part.add(level.end);
    } else if (node.kind === "text" && level.onLines) {
      continue;
    } else if (isLong(node)) {
      part.add(level.indent);
      yield part.take();
      if (level.onLines) part.add("\n");
      yield* inParts(node.value, escapeText);
    } else if (node.kind === "element") {
      const inner = within(node, level);
      part.add(level.indent);
      if (node.attributes.some(({ value }) => value.length > partLength)) {
        yield part.take();
        yield* longOpening(node);
      } else part.add(opening(node));
      const isEmpty = node.children.length === 0;
      part.add(isEmpty ? `/>${level.onLines ? "\n" : ""}` : `>${inner.onLines ? "\n" : ""}`);
      if (!isEmpty) levels.push(inner);
    } else {
      part.add(`${level.indent}${inline(node)}${level.onLines ? "\n" : ""}`);
    }
  }
  yield part.take();
}

/** Pieces of text, to be joined: a text that has grown by `+=` stays a tree of its pieces, ten times as large. */
class Part {
  #pieces: string[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  take(): string {
    const text = this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    return text;
  }
}

function within(element: Element, { onLines, indent }: Level): Level {
  const inLines = onLines && isStructure(element);
  const end = `${inLines ? indent : ""}</${element.name}>${onLines ? "\n" : ""}`;
  return { children: element.children, next: 0, onLines: inLines, indent: inLines ? `${indent}  ` : "", end };
}

function isLong(node: Node): node is Text {
  return node.kind === "text" && !node.cdata && node.value.length > partLength;
}

/** Escaping takes 10 times as long as copying. */
function* inParts(value: string, escape: (part: string) => string): Generator<string, void, void> {
  for (let at = 0; at < value.length; at += partLength) yield escape(value.slice(at, at + partLength));
}

function inline(node: Exclude<Node, Element>): string {
  switch (node.kind) {
    case "text":
      return node.cdata ? `<![CDATA[${node.value}]]>` : escapeText(node.value);
    case "comment":
      return `<!--${node.value}-->`;
    case "instruction":
      return node.body === "" ? `<?${node.target}?>` : `<?${node.target} ${node.body}?>`;
  }
}

/** A start tag without its end. */
function opening(element: Element): string {
  let tag = `<${element.name}`;
  for (const { name, value } of element.attributes) tag += ` ${name}='${escapeAttribute(value)}'`;
  return tag;
}

/** The same in parts. */
function* longOpening(element: Element): Generator<string, void, void> {
  let part = `<${element.name}`;
  for (const { name, value } of element.attributes) {
    part += ` ${name}='`;
    for (const piece of inParts(value, escapeAttribute)) {
      part += piece;
      if (part.length < partLength) continue;
      yield part;
      part = "";
    }
    part += "'";
  }
  yield part;
}

/** Whether white space in the element is layout: there is something else, and none of it is text. */
function isStructure(element: Element): boolean {
  const isLayout = (node: Node): boolean => node.kind === "text" && !node.cdata && /^[ \t\r\n]*$/.test(node.value);
  const hasText = element.children.some((node) => node.kind === "text" && !isLayout(node));
  return !hasText && element.children.some((node) => node.kind !== "text");
}

/** What XML has no way to write at all; it is left out, as libvirt does. */
const unwritable = /[[\p{Cc}\ufffe\uffff]--[\t\n\r\u007f-\u009f]]/gv;

function escapeText(value: string): string {
  if (!/[[&<>'"\r\p{Cc}\ufffe\uffff]--[\t\n\u007f-\u009f]]/v.test(value)) return value;
  return (
    value
      .replaceAll(unwritable, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll("'", "&apos;")
      .replaceAll('"', "&quot;")
      // It would come back as a newline.
      .replaceAll("\r", "&#13;")
  );
}

/** In an attribute, tab and newline would come back as spaces too. */
function escapeAttribute(value: string): string {
  return escapeText(value).replaceAll("\t", "&#9;").replaceAll("\n", "&#10;");
}
