import { Element } from "../../xml/index.ts";
import { parseCpuList } from "./cpu-list.ts";

/** Maps of that many bytes in a row; what does not fit is left out. */
export function cpuMaps(sets: readonly (readonly number[])[], length: number): Uint8Array {
  const bytes = new Uint8Array(sets.length * length);
  for (const [index, cpus] of sets.entries()) {
    for (const cpu of cpus) {
      const at = cpu >> 3;
      if (at < length) bytes[index * length + at] = (bytes[index * length + at] ?? 0) | (1 << (cpu & 7));
    }
  }
  return bytes;
}

export function cpusIn(map: Uint8Array): number[] {
  return Array.from({ length: map.length * 8 }, (_, cpu) => cpu).filter(
    (cpu) => ((map[cpu >> 3] ?? 0) & (1 << (cpu & 7))) !== 0,
  );
}

/** Where a domain may run as a whole, if its definition says so. */
export function defaultCpus(root: Element): readonly number[] | undefined {
  const set = root.first("vcpu")?.attribute("cpuset");
  return set === undefined ? undefined : parseCpuList(set);
}

/** The element that says what runs where, made where it is missing. */
export function tuneOf(root: Element): Element {
  const known = root.first("cputune");
  if (known !== undefined) return known;
  const tune = new Element("cputune");
  root.children.push(tune);
  return tune;
}
