import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { unsupported } from "../errors.ts";
import type { Assignments, Value } from "./syntax.ts";

/** The settings of a configuration, by name and kind. All throw VirError for one that is of another kind. */
export class Settings {
  readonly #all: Assignments;

  constructor(all: Assignments) {
    this.#all = all;
  }

  /** A number is taken for its text. */
  text(name: string): string | undefined {
    const value = this.#all.get(name);
    if (value === undefined || typeof value === "string") return value === "" ? undefined : value;
    if (typeof value === "number") return String(value);
    throw wrong(name, "must be a text");
  }

  number(name: string): number | undefined {
    const value = this.#all.get(name);
    if (value === undefined || typeof value === "number") return value;
    if (typeof value === "string" && /^-?\d{1,15}$/.test(value.trim())) return Number(value);
    throw wrong(name, "must be a number");
  }

  flag(name: string): boolean | undefined {
    const value = this.number(name);
    return value === undefined ? undefined : value !== 0;
  }

  /** One text is taken for a list of one. */
  texts(name: string): readonly string[] {
    const value = this.#all.get(name);
    if (value === undefined || value === "") return [];
    if (typeof value === "string") return [value];
    if (!Array.isArray(value)) throw wrong(name, "must be a list of texts");
    return (value as readonly Value[]).map((each) => (typeof each === "string" ? each : this.#refuse(name)));
  }

  /** As it was written: a list of lists, say. */
  value(name: string): Value | undefined {
    return this.#all.get(name);
  }

  #refuse(name: string): never {
    throw wrong(name, "must be a list of texts");
  }
}

export function wrong(name: string, complaint: string): VirError {
  return VirError.of(ErrorCode.confSyntax, ErrorDomain.xenxl, `config value ${name} ${complaint}`);
}

/** "mac=...,bridge=...": what is known by a name, and what stands alone. */
export function entryOf(text: string): ReadonlyMap<string, string> {
  const parts = text.split(",").map((part) => part.trim());
  return new Map(
    parts
      .filter((part) => part !== "")
      .map((part) => {
        const at = part.indexOf("=");
        return at < 0 ? [part, ""] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      }),
  );
}

/** The same, written; what has no value is left out. Throws VirError for what would be read as something else. */
export function entryText(fields: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${entryValue(name, value)}`]))
    .join(",");
}

/** Throws VirError. */
export function entryValue(name: string, value: string | number): string {
  const text = String(value);
  if (text !== "" && text === text.trim() && !text.includes(",")) return text;
  throw unsupported(`a file of xl's has no way to say ${name} '${text}'`);
}
