import { Element } from "../../xml/index.ts";

/** The first child of that name; a new one at the end where there is none. */
export function ensure(parent: Element, name: string, attributes: Readonly<Record<string, string>> = {}): Element {
  const found = parent.first(name);
  if (found !== undefined) return found;
  const added = new Element(name, { ...attributes });
  parent.children.push(added);
  return added;
}

/** Sets an attribute that is not there. */
export function setDefault(element: Element, name: string, value: string): void {
  if (element.attribute(name) === undefined) element.setAttribute(name, value);
}

/** Adds an element that holds text where there is none of its name. */
export function ensureLeaf(parent: Element, name: string, value: string): void {
  if (parent.first(name) === undefined) parent.children.push(Element.leaf(name, value));
}

export function remove(parent: Element, child: Element | undefined): void {
  const at = child === undefined ? -1 : parent.children.indexOf(child);
  if (at >= 0) parent.children.splice(at, 1);
}

/** The children of one name in another order, in the places where they were. */
export function reorder(parent: Element, name: string, inOrder: readonly Element[]): void {
  let next = 0;
  for (const [at, node] of parent.children.entries()) {
    if (node.kind === "element" && node.uri === "" && node.name === name) {
      parent.children[at] = inOrder[next++] ?? node;
    }
  }
}

/** "0x1f", "010" and "31" as libvirt reads them; undefined when it is no whole number. */
export function readNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  if (/^0[0-7]+$/.test(trimmed)) return Number.parseInt(trimmed, 8);
  return /^(\d+|0x[\da-f]+)$/i.test(trimmed) ? Number(trimmed) : undefined;
}
