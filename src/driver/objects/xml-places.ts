import type { Element } from "../../xml/index.ts";

/** By the name of an element: the place of each of its parts. */
export type Places = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function placesOf(orders: Readonly<Record<string, readonly string[]>>): Places {
  return new Map(Object.entries(orders).map(([name, order]) => [name, new Map(order.map((part, at) => [part, at]))]));
}

/** Puts what is in an element into libvirt's order. */
export function arrange(element: Element, children: Places, attributes: Places): void {
  if (element.name === "metadata") return;
  sort(element.children, children.get(element.name), (node) => (node.kind === "element" ? node.name : ""));
  sort(element.attributes, attributes.get(element.name), ({ name }) => name);
  for (const child of element.children) if (child.kind === "element") arrange(child, children, attributes);
}

/** Stable; white space and comments do not get in the way. */
function sort<T>(items: T[], places: ReadonlyMap<string, number> | undefined, nameOf: (item: T) => string): void {
  if (places === undefined) return;
  const ranks: T[][] = Array.from({ length: places.size + 1 }, () => []);
  for (const item of items) ranks[places.get(nameOf(item)) ?? places.size]?.push(item);
  let next = 0;
  for (const rank of ranks) for (const item of rank) items[next++] = item;
}
