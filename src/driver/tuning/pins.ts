import { Element } from "../../xml/index.ts";
import { parseCpuList } from "./cpu-list.ts";
import { defaultCpus } from "./cpu-map.ts";

/** What of a domain runs somewhere: its element in `cputune`, and the attribute that says which of them it is. */
export interface Pinned {
  readonly name: "vcpupin" | "emulatorpin" | "iothreadpin";
  readonly key: Readonly<Record<string, string>>;
}

export const pinned = {
  vcpu: (number: number): Pinned => ({ name: "vcpupin", key: { vcpu: String(number) } }),
  emulator: { name: "emulatorpin", key: {} } satisfies Pinned,
  ioThread: (id: number): Pinned => ({ name: "iothreadpin", key: { iothread: String(id) } }),
};

/** Where it runs; without a place of its own it has that of the domain, or any. */
export function pinOf(root: Element, pinned: Pinned, any: readonly number[]): readonly number[] {
  const tune = root.first("cputune");
  const set = tune === undefined ? undefined : elementOf(tune, pinned)?.attribute("cpuset");
  return set === undefined ? (defaultCpus(root) ?? any) : parseCpuList(set);
}

/** Says where it runs; elements of one name are in the order of their numbers. */
export function setPin(tune: Element, pinned: Pinned, cpuset: string): void {
  const same = elementOf(tune, pinned);
  if (same !== undefined) return same.setAttribute("cpuset", cpuset);
  const { name, key } = pinned;
  const later = tune
    .all(name)
    .find((each) =>
      Object.entries(key).some(([attribute, number]) => Number(each.attribute(attribute)) > Number(number)),
    );
  const place = later === undefined ? tune.children.length : tune.children.indexOf(later);
  tune.children.splice(place, 0, new Element(name, { ...key, cpuset }));
}

function elementOf(tune: Element, { name, key }: Pinned): Element | undefined {
  return tune
    .all(name)
    .find((each) => Object.entries(key).every(([attribute, value]) => each.attribute(attribute) === value));
}
