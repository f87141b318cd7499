import type { Value } from "./part.ts";

/** A value among options that commas separate: its own commas are doubled, so that it cannot become an option. */
export function escaped(text: string): string {
  return text.replaceAll(",", ",,");
}

/**
 * `key=value,key=value`. Truth is written on and off; what is undefined is left out. The keys are ours, never from a
 * definition.
 */
export function optionText(options: { readonly [key: string]: string | number | boolean | undefined }): string {
  const words = Object.entries(options).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${text(value)}`],
  );
  return words.join(",");
}

function text(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return escaped(String(value));
}

/** Scalars alone can stand in such options. */
export function scalar(value: Value): string | number | boolean | undefined {
  if (value === undefined || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw new TypeError("only a scalar can stand among options");
}
