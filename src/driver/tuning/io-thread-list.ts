import { Element } from "../../xml/index.ts";

/** Numbers of a domain's I/O threads: those that it names, then, up to their count, the lowest that are free. */
export function ioThreadIds(root: Element): number[] {
  const ids = named(root).map((each) => Number(each.attribute("id")));
  const count = Number(root.first("iothreads")?.text ?? 0);
  for (let id = 1; ids.length < Math.min(count, most); id++) if (!ids.includes(id)) ids.push(id);
  return ids;
}

/** Writes all of them down; what stood at a thread that stays, stays. */
export function setIoThreadIds(root: Element, ids: readonly number[]): void {
  const known = named(root);
  drop(root, ["iothreads", "iothreadids"]);
  if (ids.length === 0) return;
  const threads = ids.map((id) => {
    return known.find((each) => each.attribute("id") === String(id)) ?? new Element("iothread", { id: String(id) });
  });
  root.children.push(Element.leaf("iothreads", String(ids.length)), new Element("iothreadids", {}, threads));
}

/** What a domain only counts is not written down. */
export function completeIoThreadIds(root: Element): void {
  if (named(root).length > 0) setIoThreadIds(root, ioThreadIds(root));
}

/** As many as a count may ask for. */
const most = 1_000;

function named(root: Element): readonly Element[] {
  return root.first("iothreadids")?.all("iothread") ?? [];
}

function drop({ children }: Element, names: readonly string[]): void {
  const kept = children.filter((node) => node.kind !== "element" || !names.includes(node.name));
  children.splice(0, children.length, ...kept);
}
