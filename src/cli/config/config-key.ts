import { parseLogFilters, parseLogOutputs } from "../log/log-settings.ts";
import { parsePlace } from "../metrics/metrics-server.ts";
import type { ConfigValue } from "./config-text.ts";

/** When a changed value counts after SIGHUP. "never": it is accepted for libvirt's sake and means nothing here. */
export type Effect = "at once" | "new clients" | "restart" | "never";

/** One key of the configuration file: what it may be, and what it is when the file does not say. */
export interface ConfigKey<T> {
  readonly initial: T;
  /** The default as it would stand in the file; "" where there is none to write. */
  readonly shown: string;
  readonly effect: Effect;
  /** For messages: "a whole number from 1". */
  readonly allowed: string;
  /** Why the key means nothing here; with effect "never" alone. */
  readonly reason?: string;
  /** The value in our form. Throws RangeError, which says more than `allowed`, or returns undefined. */
  read(value: ConfigValue): T | undefined;
}

/** What is wrong with one string of a list: the one with that index. */
export class ItemError extends RangeError {
  override readonly name = "ItemError";
  readonly index: number;

  constructor(index: number, detail: string) {
    super(detail);
    this.index = index;
  }
}

export function integer(initial: number, from: number, effect: Effect): ConfigKey<number> {
  const read = (value: ConfigValue): number | undefined =>
    typeof value === "number" && value >= from && Number.isSafeInteger(value) ? value : undefined;
  return { initial, shown: String(initial), effect, allowed: `a whole number from ${from}`, read };
}

/** One of a few numbers; the first is the default. */
export function oneOf<N extends number>(values: readonly [N, ...N[]], effect: Effect): ConfigKey<N> {
  const read = (value: ConfigValue): N | undefined => values.find((each) => each === value);
  const [initial] = values;
  return { initial, shown: String(initial), effect, allowed: values.toSorted().join(" or "), read };
}

export function text(initial: string, effect: Effect): ConfigKey<string> {
  const read = (value: ConfigValue): string | undefined => (typeof value === "string" ? value : undefined);
  return { initial, shown: initial === "" ? "" : `"${initial}"`, effect, allowed: "a string in quotes", read };
}

/** An absolute path; "": the default place. */
export function path(effect: Effect): ConfigKey<string> {
  const read = (value: ConfigValue): string | undefined =>
    typeof value === "string" && (value === "" || value.startsWith("/")) ? value : undefined;
  return { initial: "", shown: "", effect, allowed: "an absolute path in quotes", read };
}

/** A port of the loopback address, or, where `orPath`, a socket file; "": nowhere. */
export function nearbyPlace(example: string, effect: Effect, { orPath = false } = {}): ConfigKey<string> {
  const read = (value: ConfigValue): string | undefined => {
    const place = typeof value === "string" ? parsePlace(value) : undefined;
    const fits = value === "" || (place !== undefined && (orPath || "port" in place));
    return typeof value === "string" && fits ? value : undefined;
  };
  const allowed = `${orPath ? "an absolute path, or " : ""}a port of this machine: "127.0.0.1:${example}"`;
  return { initial: "", shown: "", effect, allowed, read };
}

/** Permissions of a file in octal digits. */
export function permissions(initial: string, effect: Effect): ConfigKey<number> {
  const read = (value: ConfigValue): number | undefined =>
    typeof value === "string" && /^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined;
  const allowed = 'permissions in octal digits, in quotes: "0770"';
  return { initial: Number.parseInt(initial, 8), shown: `"${initial}"`, effect, allowed, read };
}

/** How clients of a door log in; "none": whoever reaches it is in. `advice` says what to do instead of what is not there. */
export function authentication<W extends "none" | "sasl" | "polkit">(
  ways: readonly W[],
  advice: string,
): ConfigKey<W | "none"> {
  const read = (value: ConfigValue): W | "none" | undefined => {
    const found = value === "none" ? value : ways.find((each) => each === value);
    if (typeof value !== "string" || found !== undefined) return found;
    throw new RangeError(`"${value}" is not there; ${advice}`);
  };
  return {
    initial: "none",
    shown: '"none"',
    effect: "restart",
    allowed: ways.map((way) => `"${way}"`).join(" or "),
    read,
  };
}

/** A TCP port, as libvirt's file has it: in quotes. */
export function port(initial: number, effect: Effect): ConfigKey<number> {
  const read = (value: ConfigValue): number | undefined => {
    const number = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
    return typeof number === "number" && number >= 1 && number <= 65_535 ? number : undefined;
  };
  return { initial, shown: `"${initial}"`, effect, allowed: "a port in quotes, from 1 to 65535", read };
}

/** Any strings; `check` returns what is wrong with one. */
export function strings(
  effect: Effect,
  allowed: string,
  check: (each: string) => string | undefined = () => undefined,
): ConfigKey<readonly string[]> {
  const read = (value: ConfigValue): readonly string[] | undefined => {
    if (typeof value !== "object") return undefined;
    for (const [index, each] of value.entries()) {
      const wrong = check(each);
      if (wrong !== undefined) throw new ItemError(index, `"${each}": ${wrong}`);
    }
    return value;
  };
  return { initial: [], shown: "", effect, allowed, read };
}

/** Some of `names`, each once. */
export function listOf<N extends string>(names: readonly N[], effect: Effect): ConfigKey<readonly N[]> {
  const isName = (name: string): name is N => (names as readonly string[]).includes(name);
  const read = (value: ConfigValue): readonly N[] | undefined => {
    if (typeof value !== "object" || value.length === 0) return undefined;
    const known = value.filter(isName);
    return known.length === value.length && new Set(known).size === known.length ? known : undefined;
  };
  const quoted = names.map((name) => `"${name}"`).join(", ");
  return {
    initial: names,
    shown: `[${quoted}]`,
    effect,
    allowed: `a list of one or more of ${quoted}, each once`,
    read,
  };
}

export function logLevel(): ConfigKey<1 | 2 | 3 | 4> {
  const read = (value: ConfigValue): 1 | 2 | 3 | 4 | undefined =>
    ([1, 2, 3, 4] as const).find((level) => level === value);
  return { initial: 3, shown: "3", effect: "at once", allowed: "1 (debug), 2 (info), 3 (warning) or 4 (error)", read };
}

export const logFilters = parsed(parseLogFilters, 'filters in quotes: "1:qemu 3:rpc"');
export const logOutputs = parsed(
  parseLogOutputs,
  'outputs in quotes: "3:stderr 1:file:/var/log/virtwright/daemon.log"',
);

/** A number that libvirtd knows and that has nothing to govern here. */
export function without(reason: string, type: "number" | "string" = "number"): ConfigKey<undefined> {
  const allowed = type === "number" ? "a whole number" : "a string in quotes";
  const read = (value: ConfigValue): undefined => {
    if (typeof value !== type) throw new RangeError(`it is ${allowed}`);
  };
  return { initial: undefined, shown: "", effect: "never", allowed, reason, read };
}

function parsed<T>(parse: (text: string) => T[], allowed: string): ConfigKey<readonly T[]> {
  const read = (value: ConfigValue): T[] | undefined => (typeof value === "string" ? parse(value) : undefined);
  return { initial: [], shown: "", effect: "at once", allowed, read };
}
