import type { Element } from "../../xml/index.ts";

/** By the name of an element: the place of each of its parts. */
export type Places = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** From lists of names; one that is a text has them between spaces. "a/b" is for a b in an a, and goes before "b". */
export function placesOf(orders: Readonly<Record<string, string | readonly string[]>>): Places {
  return new Map(
    Object.entries(orders).map(([name, order]) => {
      const names = typeof order === "string" ? order.split(" ") : order;
      return [name, new Map(names.map((part, at) => [part, at]))];
    }),
  );
}

/** Puts what is in an element into libvirt's order; `parent` is the name of the one that it stands in. */
export function arrange(element: Element, children: Places, attributes: Places, parent = ""): void {
  if (element.name === "metadata") return;
  const known = (all: Places) => all.get(`${parent}/${element.name}`) ?? all.get(element.name);
  sort(element.children, known(children), (node) => (node.kind === "element" ? node.name : ""));
  sort(element.attributes, known(attributes), ({ name }) => name);
  for (const child of element.children) {
    if (child.kind === "element") arrange(child, children, attributes, element.name);
  }
}

/** Stable; white space and comments do not get in the way. */
function sort<T>(items: T[], places: ReadonlyMap<string, number> | undefined, nameOf: (item: T) => string): void {
  if (places === undefined || items.length < 2) return;
  const rankOf = (item: T): number => places.get(nameOf(item)) ?? places.size;
  // Most of what comes here has been here before.
  if (isSorted(items, rankOf)) return;
  const ranks: T[][] = Array.from({ length: places.size + 1 }, () => []);
  for (const item of items) ranks[rankOf(item)]?.push(item);
  let next = 0;
  for (const rank of ranks) for (const item of rank) items[next++] = item;
}

function isSorted<T>(items: readonly T[], rankOf: (item: T) => number): boolean {
  let highest = 0;
  for (const item of items) {
    const rank = rankOf(item);
    if (rank < highest) return false;
    highest = rank;
  }
  return true;
}
