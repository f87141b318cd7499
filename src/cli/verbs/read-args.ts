import { UsageError } from "../usage-error.ts";
import { Given, type Verb } from "./verb.ts";

/** An option of a verb. */
export interface Option {
  readonly name: string;
  /** A flag says yes; a text has a value; a list takes the values that are left. */
  readonly kind: "flag" | "text" | "list";
  /** Its place where it may be given without its name, from 0 on. */
  readonly place?: number;
  readonly isNeeded: boolean;
  readonly isNumber?: boolean;
}

/** Of every verb: which hypervisor, how it is spoken with, and how much is said. */
const everywhere: readonly Option[] = [
  ...["connect", "keepalive-interval", "keepalive-count"].map(
    (name): Option => ({ name, kind: "text", isNeeded: false }),
  ),
  ...["readonly", "quiet", "timing"].map((name): Option => ({ name, kind: "flag", isNeeded: false })),
];
const short: Readonly<Record<string, string>> = { "-c": "--connect", "-r": "--readonly" };

/** A verb's own options, first those that have a place. */
export function optionsOf(verb: Verb): readonly Option[] {
  const placed = (verb.parameters ?? []).map((each, place): Option => {
    const isList = each.endsWith("...");
    const name = each.replace(/[?.#]+$/, "");
    return { name, kind: isList ? "list" : "text", place, isNeeded: !each.includes("?"), isNumber: each.includes("#") };
  });
  return [
    ...placed,
    ...[...(verb.flags ?? []), ...("show" in verb ? ["json"] : [])].map(
      (name): Option => ({ name, kind: "flag", isNeeded: false }),
    ),
    ...(verb.texts ?? []).map((each): Option => {
      const name = each.replace(/#$/, "");
      return { name, kind: "text", isNeeded: false, isNumber: name !== each };
    }),
  ];
}

/** Reads the options that stand before a command. */
export function readGlobal(global: readonly string[]): Given {
  return read("", everywhere, global);
}

/** Reads a command line as virsh does. Throws UsageError in virsh's words. */
export function readArgs(name: string, verb: Verb, args: readonly string[]): Given {
  return read(name, [...optionsOf(verb), ...everywhere], args);
}

function read(name: string, options: readonly Option[], args: readonly string[]): Given {
  const values = new Map<string, string | boolean | string[]>();
  const rest = [...args];
  let onlyData = false;
  for (let [arg] = rest; arg !== undefined; [arg] = rest) {
    rest.shift();
    const word = onlyData ? arg : (short[arg] ?? arg);
    if (word === "--" && !onlyData) onlyData = true;
    else if (!onlyData && /^--./.test(word)) readOption(name, options, values, word.slice(2), rest);
    else give(nextPlace(options, values, arg), values, arg);
  }
  const missing = options.filter((each) => each.isNeeded && !values.has(each.name));
  if (missing.length > 0) {
    const lines = missing.map((each) => {
      const shown = each.isNumber === true ? `--${each.name}` : `<${each.name}>`;
      return `command '${name}' requires ${shown} option`;
    });
    throw new UsageError(lines.join("\nerror: "));
  }
  return new Given(Object.fromEntries(values));
}

type Values = Map<string, string | boolean | string[]>;

function readOption(verb: string, options: readonly Option[], values: Values, word: string, rest: string[]): void {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const option = options.find((each) => each.name === name);
  if (option === undefined) throw new UsageError(`command '${verb}' doesn't support option --${name}`);
  if (option.kind !== "list" && values.has(name)) throw new UsageError(`option --${name} already seen`);
  if (option.kind === "flag") {
    if (equals >= 0) throw new UsageError(`invalid '=' after option --${name}`);
    values.set(name, true);
    return;
  }
  const value = equals < 0 ? rest.shift() : word.slice(equals + 1);
  if (value === undefined)
    throw new UsageError(`expected syntax: --${name} <${option.isNumber === true ? "number" : "string"}>`);
  give(option, values, value);
}

function nextPlace(options: readonly Option[], values: Values, data: string): Option {
  const next = options.find(({ place, kind, name }) => place !== undefined && (kind === "list" || !values.has(name)));
  if (next === undefined) throw new UsageError(`unexpected data '${data}'`);
  return next;
}

function give(option: Option, values: Values, value: string): void {
  const before = values.get(option.name);
  if (option.kind !== "list") values.set(option.name, value);
  else if (Array.isArray(before)) before.push(value);
  else values.set(option.name, [value]);
}
