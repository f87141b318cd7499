import { Descriptor, type Properties, type Value } from "./part.ts";

/** Numbers of 64 bits pass through JSON.stringify like this alone. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (this: void, text: string) => object };

/** As JSON.stringify takes it: without absent members, and with what `show` makes of descriptors. */
export function plain(properties: Properties, show: (descriptor: Descriptor) => string): { [name: string]: unknown } {
  const known = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, plainValue(value, show)]));
}

function plainValue(value: Value, show: (descriptor: Descriptor) => string): unknown {
  if (value instanceof Descriptor) return show(value);
  if (typeof value === "bigint") return rawJSON(String(value));
  if (Array.isArray(value)) return value.map((each: Value) => plainValue(each, show));
  return typeof value === "object" && value !== null ? plain(value as Properties, show) : value;
}
