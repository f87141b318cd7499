import type { TypedParam, TypedValue } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { Tunable } from "./tunables.ts";

/** VIR_TYPED_PARAM_STRING_OKAY: who asks knows that there may be text. */
export const strings = 4;

/** Asked for none, it says how many there are, of whatever domain. Text is for those who say that they understand it. */
export function counted(tunables: readonly Tunable[], place: () => Element, nparams: number, flags: number) {
  if (nparams === 0) return { params: [], nparams: tunables.length };
  const known = readAll(tunables, place()).slice(0, nparams);
  return { params: known.filter(({ value }) => (flags & strings) !== 0 || value.type !== "string"), nparams: 0 };
}

export function readAll(tunables: readonly Tunable[], element: Element): TypedParam[] {
  return tunables.map(({ field, read }) => ({ field, value: read(element) }));
}

export function writeAll(tunables: readonly Tunable[], element: Element, params: readonly TypedParam[]): void {
  for (const { field, value } of params) tunables.find((each) => each.field === field)?.write?.(element, value);
}

/** Of those that can be set, for `checkParams`. */
export function typesOf(tunables: readonly Tunable[]): Readonly<Record<string, TypedValue["type"]>> {
  const example = new Element("domain");
  return Object.fromEntries(
    tunables.flatMap(({ field, read, write }) => (write === undefined ? [] : [[field, read(example).type]])),
  );
}
