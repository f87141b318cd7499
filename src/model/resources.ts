import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { Element } from "../xml/index.ts";
import { memoryKib } from "./memory-size.ts";

/**
 * What the domain has at most and at start; written into the tree as libvirt shows it. Throws VirError.
 */
export function fillMemory(root: Element): [maximumKib: number, currentKib: number] {
  const element = root.first("memory") ?? addMemory(root);
  const maximum = element === undefined ? 0 : memoryKib(element, "./memory[1]");
  if (element === undefined || maximum === 0) {
    const detail = "Memory size must be specified via <memory> or in the <numa> configuration";
    throw failure(ErrorCode.xmlError, detail);
  }
  let current = root.first("currentMemory");
  if (current === undefined) {
    current = Element.leaf("currentMemory", String(maximum));
    root.insertAfter(["memory"], current);
  }
  const wished = memoryKib(current, "./currentMemory[1]");
  const granted = wished === 0 || wished > maximum ? maximum : wished;
  setKib(element, maximum);
  setKib(current, granted);
  return [maximum, granted];
}

/** What the cells of a guest's NUMA have, where nothing else says how much there is. */
function addMemory(root: Element): Element | undefined {
  const cells = root.find("cpu", "numa")?.all("cell") ?? [];
  if (cells.length === 0) return undefined;
  const sizes = cells.map((cell) =>
    Element.leaf("cell", cell.attribute("memory") ?? "0", { unit: cell.attribute("unit") ?? "KiB" }),
  );
  const kib = sizes.reduce((sum, size) => sum + memoryKib(size, "./cpu/numa/cell/@memory"), 0);
  const element = Element.leaf("memory", String(kib));
  root.insertAfter(["name", "uuid", "genid", "title", "description", "metadata", "maxMemory"], element);
  return element;
}

function setKib(element: Element, kib: number): void {
  element.setAttribute("unit", "KiB");
  element.setText(String(kib));
}

/** As fillMemory, for virtual processors. */
export function fillVcpu(root: Element): [maximum: number, current: number] {
  const element = root.first("vcpu");
  if (element === undefined) {
    const before = ["currentMemory", "memoryBacking", "blkiotune", "memtune"];
    root.insertAfter(before, Element.leaf("vcpu", "1", { placement: "static" }));
    return [1, 1];
  }
  const maximum = wholeNumber(element.text.trim() || "1", "maximum vcpus count must be an integer");
  const current = wholeNumber(
    element.attribute("current") ?? String(maximum),
    "current vcpus count must be an integer",
  );
  if (maximum < 1 || current < 1) throw failure(ErrorCode.xmlError, "a domain needs at least one vcpu");
  if (current > maximum) {
    const detail = "maximum vCPU count must not be less than current vCPU count";
    throw failure(ErrorCode.configUnsupported, detail);
  }
  if (element.attribute("placement") === undefined) element.attributes.unshift({ name: "placement", value: "static" });
  return [maximum, current];
}

function wholeNumber(text: string, complaint: string): number {
  if (!/^\d{1,9}$/.test(text)) throw failure(ErrorCode.xmlError, complaint);
  return Number(text);
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
