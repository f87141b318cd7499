import { memoryKib } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { remove } from "../../objects/element-edit.ts";
import { completeIoThreadIds } from "../../tuning/io-thread-list.ts";
import { normalNumberSet, readNumberSet } from "./number-set.ts";

/** What a domain gets of the host, in libvirt's form. Throws VirError. */
export function completeTuning(root: Element): void {
  for (const limit of root.first("memtune")?.elements() ?? []) writeKib(limit);
  for (const page of root.find("memoryBacking", "hugepages")?.all("page") ?? []) completePage(page);
  completeMaxMemory(root);
  normalise(root.first("vcpu"), "cpuset");
  for (const pin of root.first("cputune")?.elements() ?? []) normalise(pin, "cpuset");
  for (const memory of root.first("numatune")?.elements() ?? []) normalise(memory, "nodeset");
  splitSchedules(root, "vcpusched", "vcpus");
  splitSchedules(root, "iothreadsched", "iothreads");
  completeIoThreadIds(root);
}

/** A size in any unit becomes one in KiB. */
export function writeKib(element: Element): void {
  const kib = memoryKib(element, `./${element.name}`);
  element.setAttribute("unit", "KiB");
  element.setText(String(kib));
}

function completePage(page: Element): void {
  const size = Element.leaf("size", page.attribute("size") ?? "0", { unit: page.attribute("unit") ?? "KiB" });
  page.setAttribute("size", String(memoryKib(size, "./page/@size")));
  page.setAttribute("unit", "KiB");
  normalise(page, "nodeset");
}

function completeMaxMemory(root: Element): void {
  const element = root.first("maxMemory");
  if (element !== undefined) writeKib(element);
}

function normalise(element: Element | undefined, attribute: string): void {
  const text = element?.attribute(attribute);
  if (text !== undefined) element?.setAttribute(attribute, normalNumberSet(text));
}

/** One element for each thread. */
function splitSchedules(root: Element, name: string, attribute: string): void {
  const tune = root.first("cputune");
  const known = new Set<number>();
  for (const each of tune?.all(name) ?? []) {
    for (const number of readNumberSet(each.attribute(attribute) ?? "")) {
      if (known.has(number)) throw overlap(name, attribute);
      known.add(number);
      const one = each.clone();
      one.setAttribute(attribute, String(number));
      tune?.children.push(one);
    }
    if (tune !== undefined) remove(tune, each);
  }
}

function overlap(name: string, attribute: string): VirError {
  return VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, `${name} attributes '${attribute}' must not overlap`);
}
