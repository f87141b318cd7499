import { memoryKib } from "../../../model/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, readNumber, setDefault } from "../../objects/element-edit.ts";
import type { MachineType } from "./machine-type.ts";
import { normalNumberSet } from "./number-set.ts";

/** The processor of a guest, as libvirt shows it: its model even if nobody has chosen one. Throws VirError. */
export function completeProcessor(root: Element, machine: MachineType): void {
  const isEmulated = root.attribute("type") === "qemu";
  const cpu = root.first("cpu");
  if (machine.isX86 && needsModel(cpu)) setStandardModel(ensure(root, "cpu"), machine);
  else if (cpu !== undefined) completeMode(cpu, isEmulated);
  if (cpu === undefined) return;
  for (const feature of cpu.all("feature")) setDefault(feature, "policy", "require");
  const topology = cpu.first("topology");
  if (topology !== undefined) setDefault(topology, "dies", "1");
  completeNuma(cpu);
}

function needsModel(cpu: Element | undefined): boolean {
  return (
    cpu === undefined || (["custom", undefined].includes(cpu.attribute("mode")) && cpu.first("model") === undefined)
  );
}

/** QEMU's own. */
function setStandardModel(cpu: Element, { arch }: MachineType): void {
  const model = arch === "i686" ? "qemu32" : "qemu64";
  for (const [name, value] of Object.entries({ mode: "custom", match: "exact", check: "none" })) {
    cpu.setAttribute(name, value);
  }
  cpu.children.unshift(Element.leaf("model", model, { fallback: "forbid" }));
}

function completeMode(cpu: Element, isEmulated: boolean): void {
  const mode = cpu.attribute("mode") ?? "custom";
  cpu.setAttribute("mode", mode);
  if (mode === "host-model") {
    cpu.removeAttribute("match");
    setDefault(cpu, "check", "partial");
  } else if (mode === "custom") {
    setDefault(cpu, "match", "exact");
    setDefault(cpu, "check", isEmulated ? "none" : "partial");
    const model = cpu.first("model");
    if (model !== undefined) setDefault(model, "fallback", "allow");
  } else {
    setDefault(cpu, "check", "none");
    setDefault(cpu, "migratable", "on");
  }
}

/** Sizes in KiB, numbers where there are none, and distances both ways. */
function completeNuma(cpu: Element): void {
  const cells = cpu.first("numa")?.all("cell") ?? [];
  for (const [index, cell] of cells.entries()) {
    setDefault(cell, "id", String(index));
    const size = Element.leaf("memory", cell.attribute("memory") ?? "0", { unit: cell.attribute("unit") ?? "KiB" });
    cell.setAttribute("memory", String(memoryKib(size, "./memory")));
    cell.setAttribute("unit", "KiB");
    const cpus = cell.attribute("cpus");
    if (cpus !== undefined) cell.setAttribute("cpus", normalNumberSet(cpus));
  }
  if (cells.some((cell) => cell.first("distances") !== undefined)) completeDistances(cells);
}

const nearest = 10;
const remote = 20;

function completeDistances(cells: readonly Element[]): void {
  const ids = cells.map((cell) => cell.attribute("id") ?? "");
  const known = new Map(
    cells.flatMap((cell, at) =>
      (cell.first("distances")?.all("sibling") ?? []).map((each) => [
        `${ids[at]} ${each.attribute("id")}`,
        readNumber(each.attribute("value")),
      ]),
    ),
  );
  for (const [at, cell] of cells.entries()) {
    const siblings = ids.map((id) => {
      const value = known.get(`${ids[at]} ${id}`) ?? known.get(`${id} ${ids[at]}`);
      return new Element("sibling", { id, value: String(value ?? (id === ids[at] ? nearest : remote)) });
    });
    const distances = ensure(cell, "distances");
    distances.children.splice(0, distances.children.length, ...siblings);
  }
}

/** What the cells of a guest and its memory modules come to; undefined without cells. */
export function numaMemoryKib(root: Element): number | undefined {
  const cells = root.find("cpu", "numa")?.all("cell") ?? [];
  if (cells.length === 0) return undefined;
  const modules = (root.first("devices")?.all("memory") ?? []).flatMap((each) => each.find("target", "size") ?? []);
  const sizes = [
    ...cells.map((cell) =>
      Element.leaf("memory", cell.attribute("memory") ?? "0", { unit: cell.attribute("unit") ?? "KiB" }),
    ),
    ...modules,
  ];
  return sizes.reduce((sum, size) => sum + memoryKib(size, "./memory"), 0);
}
