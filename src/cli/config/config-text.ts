import { ConfigError } from "./config-error.ts";

export type ConfigValue = number | string | readonly string[];

export interface ConfigEntry {
  readonly key: string;
  readonly value: ConfigValue;
  /** Of the key, from 1. */
  readonly line: number;
  /** Of each string of a list. */
  readonly itemLines: readonly number[];
}

/**
 * The entries of a file in the syntax of libvirt's: `key = value`, one a line or with ";" between them; a value is a
 * whole number, a string in single, double or (over several lines) triple double quotes, without escapes, or a list of
 * strings in brackets; a comment goes from "#" to the end of the line. Throws ConfigError.
 */
export function parseConfig(text: string, file: string): ConfigEntry[] {
  const cursor = new Cursor(text, file);
  const entries = new Map<string, ConfigEntry>();
  for (cursor.skip(between); !cursor.atEnd; cursor.skip(between)) {
    const { line } = cursor;
    const key = cursor.take(name, "a key")[0];
    const first = entries.get(key);
    if (first !== undefined) throw cursor.error(`${key} is already set in line ${first.line}: remove one of the two`);
    cursor.skip(blanks);
    cursor.take(equals, `"=" and a value after ${key}`);
    const itemLines: number[] = [];
    entries.set(key, { key, value: takeValue(cursor, key, itemLines), line, itemLines });
    cursor.skip(blanks);
    cursor.take(end, `the end of the line after the value of ${key}`);
  }
  return [...entries.values()];
}

const blanks = /[ \t]*/y;
/** Blanks, ends of lines and comments. */
const space = /(?:[ \t\r\n]|#[^\n]*)*/y;
const between = /(?:[ \t\r\n;]|#[^\n]*)*/y;
const name = /[A-Za-z]\w*/y;
const equals = /=[ \t]*/y;
const end = /;|(?:#[^\n]*)?(?:\r?\n|$)/y;
const number = /[+-]?\d+/y;
const string = /"""(.*?)"""|"([^"\r\n]*)"|'([^'\r\n]*)'/sy;

function takeValue(cursor: Cursor, key: string, itemLines: number[]): ConfigValue {
  const digits = cursor.match(number);
  if (digits !== undefined) return Number(digits[0]);
  if (cursor.match(/\[/y) !== undefined) return takeList(cursor, key, itemLines);
  return takeString(cursor, `a value for ${key}: a whole number, a string in quotes or a list in brackets`);
}

/** Notes where each of them stands. */
function takeList(cursor: Cursor, key: string, itemLines: number[]): string[] {
  const items: string[] = [];
  for (;;) {
    cursor.skip(space);
    if (cursor.match(/\]/y) !== undefined) return items;
    itemLines.push(cursor.line);
    items.push(takeString(cursor, `a string in quotes, or "]", in the list of ${key}`));
    cursor.skip(space);
    if (cursor.match(/,/y) === undefined) {
      cursor.take(/\]/y, `"," or "]" in the list of ${key}`);
      return items;
    }
  }
}

function takeString(cursor: Cursor, what: string): string {
  const [, long, double, single] = cursor.take(string, what);
  return long ?? double ?? single ?? "";
}

/** A place in the text. */
class Cursor {
  readonly #text: string;
  readonly #file: string;
  #offset = 0;
  line = 1;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#text.length;
  }

  /** What stands here, and moves behind it; undefined, and stays, when it is something else. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#offset += found[0].length;
    this.line += found[0].split("\n").length - 1;
    return found;
  }

  skip(pattern: RegExp): void {
    this.match(pattern);
  }

  take(pattern: RegExp, what: string): RegExpExecArray {
    const found = this.match(pattern);
    if (found !== undefined) return found;
    const [rest = ""] = this.#text.slice(this.#offset).split(/\r?\n/, 1);
    throw this.error(`expected ${what}, found ${rest === "" ? "the end of the line" : rest.slice(0, 40)}`);
  }

  error(detail: string): ConfigError {
    return new ConfigError(this.#file, this.line, detail);
  }
}
