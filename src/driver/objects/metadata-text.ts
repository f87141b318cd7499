import { randomUUID } from "node:crypto";
import { Element, type Node, text, writeXml } from "../../xml/index.ts";

/** Stands for the metadata while the rest is written: drawn anew by each process, so that nobody's text has it. */
const metadataMark = randomUUID();

/** libvirt leaves the writing of metadata to its XML library; `finish` is for all the rest. */
export function writeWithMetadata(root: Element, finish: (text: string) => string): string {
  const metadata = root.first("metadata");
  const inner = metadata?.elements().map((element) => `${writeLoose(element, "    ")}\n`) ?? [];
  const marked = metadata && new Element(metadata.name, metadata.attributes, [text(metadataMark)], metadata.uri);
  const children = root.children.map((node) => (node === metadata && marked !== undefined ? marked : node));
  const written = writeXml(new Element(root.name, root.attributes, children, root.uri));
  return finish(written).replace(metadataMark, () => `\n${inner.join("")}  `);
}

/** Double quotes; text stays as it is, and elements without text between them stand on lines of their own. */
export function writeLoose(element: Element, indent = ""): string {
  return indent + writeTag(element, indent);
}

/** `indent` is undefined within text. */
function writeTag(element: Element, indent: string | undefined): string {
  const attributes = element.attributes.map(
    ({ name, value }) => ` ${name}="${escape(value).replaceAll('"', "&quot;")}"`,
  );
  const opening = element.name + attributes.join("");
  if (element.children.length === 0) return `<${opening}/>`;
  const onLines = indent !== undefined && element.children.every((node) => node.kind !== "text");
  const inside = onLines ? `${indent}  ` : undefined;
  const inner = element.children.map((node) => {
    const written = node.kind === "element" ? writeTag(node, inside) : writeNode(node);
    return onLines ? `\n${inside}${written}` : written;
  });
  return `<${opening}>${inner.join("")}${onLines ? `\n${indent}` : ""}</${element.name}>`;
}

function writeNode(node: Exclude<Node, Element>): string {
  if (node.kind === "text") return node.cdata ? `<![CDATA[${node.value}]]>` : escape(node.value);
  return writeXml(new Element("x", {}, [text(""), node])).replace(/^<x>|<\/x>\n$/g, "");
}

function escape(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
