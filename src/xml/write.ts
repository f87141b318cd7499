import type { Document, Element, Node } from "./tree.ts";

export interface WriteOptions {
  /**
   * "libvirt" (default): an element per line, two spaces per level; white space between elements counts as layout and
   * is written anew. "verbatim": nothing is added or left out within the root.
   */
  readonly layout?: "libvirt" | "verbatim";
}

/** Writes a document or an element the way libvirt does: single quotes, `<empty/>`, a newline at the end. */
export function writeXml(source: Document | Element, options: WriteOptions = {}): string {
  const nodes: readonly Node[] = "root" in source ? [...source.before, source.root, ...source.after] : [source];
  if (options.layout === "verbatim") return nodes.map(inline).join("");
  return nodes.map((node) => block(node, "")).join("");
}

/** The node on lines of its own. */
function block(node: Node, indent: string): string {
  if (node.kind !== "element" || !isStructure(node)) return `${indent}${inline(node)}\n`;
  const inner = `${indent}  `;
  const lines = node.children.filter((child) => child.kind !== "text").map((child) => block(child, inner));
  return `${indent}<${opening(node)}>\n${lines.join("")}${indent}</${node.name}>\n`;
}

function inline(node: Node): string {
  switch (node.kind) {
    case "text":
      return node.cdata ? `<![CDATA[${node.value}]]>` : escapeText(node.value);
    case "comment":
      return `<!--${node.value}-->`;
    case "instruction":
      return node.body === "" ? `<?${node.target}?>` : `<?${node.target} ${node.body}?>`;
    case "element":
      if (node.children.length === 0) return `<${opening(node)}/>`;
      return `<${opening(node)}>${node.children.map(inline).join("")}</${node.name}>`;
  }
}

/** Whether white space in the element is layout: there is something else, and none of it is text. */
function isStructure(element: Element): boolean {
  const isLayout = (node: Node): boolean => node.kind === "text" && !node.cdata && /^[ \t\r\n]*$/.test(node.value);
  const hasText = element.children.some((node) => node.kind === "text" && !isLayout(node));
  return !hasText && element.children.some((node) => node.kind !== "text");
}

function opening(element: Element): string {
  return element.name + element.attributes.map(({ name, value }) => ` ${name}='${escapeAttribute(value)}'`).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&apos;",
  '"': "&quot;",
};

/** A carriage return would come back as a newline, hence as a number. */
function escapeText(value: string): string {
  return value.replace(/[&<>'"]/g, (character) => entities[character] ?? character).replaceAll("\r", "&#13;");
}

/** In an attribute, tab and newline would come back as spaces too. */
function escapeAttribute(value: string): string {
  return escapeText(value).replaceAll("\t", "&#9;").replaceAll("\n", "&#10;");
}
