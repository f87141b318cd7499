import type { Connection } from "../../open/index.ts";
import type { Around } from "./around.ts";

/** What a verb was given. */
export class Given {
  readonly #values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

  constructor(values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  /** In any way. */
  isGiven(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** Of a parameter that has to be there. */
  need(name: string): string {
    return this.text(name) ?? "";
  }

  /** Of a parameter that may come several times. */
  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  /** Those of `names` that were given. */
  all<N extends string>(names: readonly N[]): N[] {
    return names.filter((name) => this.has(name));
  }

  /** What a call has for the options that were given. */
  words<W extends string>(words: Readonly<Record<string, W>>): W[] {
    return this.all(Object.keys(words)).map((name) => words[name] as W);
  }

  /** Of 32 bits. Throws PlainFailure for what is no whole number, or too big. */
  number(name: string): number | undefined {
    const value = this.#whole(name, 0xffff_ffffn);
    return value === undefined ? undefined : Number(value);
  }

  /** As `number`, of 64 bits. */
  long(name: string): bigint | undefined {
    return this.#whole(name, largest);
  }

  /** Of an option in seconds; of none there is no end. Throws PlainFailure for none at all, and for what no timer can wait. */
  milliseconds(name: string): number | undefined {
    const seconds = this.#whole(name, 2_147_483n);
    if (seconds === 0n) throw this.#malformed(name);
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  }

  /** As `number`; it may be below 0, and is of 31 bits. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[+-]?\d+$/.test(text) && (Number(text) | 0) === Number(text)) return Number(text);
    throw this.#malformed(name);
  }

  #whole(name: string, highest: bigint): bigint | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\+?\d+$/.test(text) ? BigInt(text.replace("+", "")) : highest + 1n;
    if (value > highest) throw this.#malformed(name);
    return value;
  }

  #malformed(name: string): PlainFailure {
    return new PlainFailure(`Numeric value '${this.need(name)}' for <${name}> option is malformed or out of range`);
  }

  /** Bytes; a number alone counts so many of them. Throws PlainFailure. */
  bytes(name: string, unit: bigint): bigint | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const bytes = scaled(text, unit);
    if (bytes !== undefined) return bytes;
    const what = `Scaled numeric value '${text}' for <${name}> option is malformed or out of range`;
    throw new PlainFailure(`${what}${whyNoSize(text)}`);
  }

  /** Throws PlainFailure when both, or more, were given. */
  exclude(...names: readonly string[]): void {
    const [one, other] = names.filter((name) => this.isGiven(name));
    if (other !== undefined) throw new PlainFailure(`Options --${one} and --${other} are mutually exclusive`);
  }

  /** Throws PlainFailure when the first was given without the other. */
  require(option: string, other: string): void {
    if (this.isGiven(option) && !this.isGiven(other))
      throw new PlainFailure(`Option --${other} is required by option --${option}`);
  }
}

/** Of 64 bits. */
const largest = (1n << 64n) - 1n;
const units = ["k", "m", "g", "t", "p", "e"];

/** "2G", "10MiB", "5KB", or a number of `unit`; undefined for what is no size, or too big. */
export function scaled(text: string, unit: bigint): bigint | undefined {
  const match = /^(\d+)(?:([kmgtpe])(ib|b)?|b|bytes)?$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = "", letter, suffix] = match;
  const base = suffix?.toLowerCase() === "b" ? 1000n : 1024n;
  const own = letter === undefined ? 1n : base ** BigInt(units.indexOf(letter.toLowerCase()) + 1);
  const bytes = BigInt(digits) * (/\d$/.test(text) ? unit : own);
  return bytes <= largest ? bytes : undefined;
}

/** The line that virsh adds: none where not even the number can be read. */
function whyNoSize(text: string): string {
  const [, digits, suffix = ""] = /^(\d+)(.*)$/s.exec(text) ?? [];
  if (digits === undefined || BigInt(digits) > largest) return "";
  return scaled(`1${suffix}`, 1n) === undefined
    ? `\nerror: invalid argument: unknown suffix '${suffix}'`
    : `\nerror: numerical overflow: value too large: ${text}`;
}

/** What a listing shows: for people a table, for programs the objects. */
export interface Listing {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly objects: readonly object[];
}

/** What there is to say of one thing: for people lines, for programs the object. */
export type Facts = FieldFacts | TextFacts;

interface FieldFacts {
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** How far in the values begin. */
  readonly width: number;
  readonly object: object;
}

/** Whose lines have a form of their own. */
interface TextFacts {
  readonly text: string;
  readonly object: object;
}

interface Command {
  readonly help: string;
  /**
   * In order, each also an option of that name; "?" behind one that may be left out, "..." behind one
   * that takes the rest, "#" behind a number.
   */
  readonly parameters?: readonly string[];
  readonly flags?: readonly string[];
  /** Those that are given by their name alone; "#" behind a number. */
  readonly texts?: readonly string[];
  /** The first line of what is said when it fails; the error's own message follows. */
  readonly failure?: (given: Given) => string;
}

/** A verb that does something, or answers with text: what is printed. */
export interface Doing extends Command {
  run(connection: Connection, given: Given, around: Around): Promise<string>;
}

/** A verb that has a form for programs: it takes --json. */
export interface Showing extends Command {
  show(connection: Connection, given: Given, around: Around): Promise<string | Listing | Facts>;
}

/** A command of virsh's, or one beside them. */
export type Verb = Doing | Showing;

export type Verbs = Readonly<Record<string, Verb>>;

/** Nothing came of it: said where results are, and yet a failure. */
export class NoResult extends Error {}

/** Said as it stands, without a line before it, as virsh does: what is asked for is not there, or there already. */
export class PlainFailure extends Error {}
