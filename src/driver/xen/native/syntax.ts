import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";

/** What stands on the right side of an assignment. Numbers are decimal, octal with 0, hexadecimal with 0x. */
export type Value = string | number | readonly Value[];

/** The assignments of a configuration of xl's, in their order; of one name the last counts. */
export type Assignments = ReadonlyMap<string, Value>;

/** More than any guest's configuration has. */
const most = { characters: 1_048_576, assignments: 4_096, items: 65_536, depth: 16 };

/**
 * Reads the language of xl's configurations: `name = value`, ended by a new line or a semicolon, where a value is a number, a
 * text in quotes or a list in brackets; `+=` adds to what there is; "#" begins a comment. Throws VirError (configSyntax).
 */
export function parseAssignments(source: string): Assignments {
  if (source.length > most.characters) throw wrong(`longer than ${most.characters} characters`, 1);
  const scanner = new Scanner(source);
  const all = new Map<string, Value>();
  for (scanner.skip(true); !scanner.isAtEnd; scanner.skip(true)) {
    const name = scanner.name();
    const adds = scanner.operator();
    const value = scanner.value(0);
    all.set(name, adds ? added(all.get(name), value) : value);
    if (all.size > most.assignments) throw scanner.fail(`more than ${most.assignments} assignments`);
    scanner.endOfStatement();
  }
  return all;
}

function added(before: Value | undefined, value: Value): Value {
  if (before === undefined) return value;
  if (typeof before === "string" && typeof value === "string") return before + value;
  const list = (each: Value): readonly Value[] => (Array.isArray(each) ? (each as readonly Value[]) : [each]);
  return [...list(before), ...list(value)];
}

function wrong(complaint: string, line: number): VirError {
  return VirError.of(ErrorCode.confSyntax, ErrorDomain.conf, `memory conf:${line}: ${complaint}`);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

class Scanner {
  readonly #source: string;
  #at = 0;
  #items = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  fail(complaint: string): VirError {
    return wrong(complaint, this.#source.slice(0, this.#at).split("\n").length);
  }

  /** Blanks and comments; with `lines` also ends of lines and of statements. */
  skip(lines: boolean): void {
    const blank = lines ? /[\s;]*(?:#[^\n]*)?/y : /[ \t\r]*(?:#[^\n]*)?/y;
    for (let before = -1; before !== this.#at; ) {
      before = this.#at;
      this.#match(blank);
    }
  }

  name(): string {
    return this.#match(/[A-Za-z_][\w.-]*/y) ?? this.#expected("a name");
  }

  /** True for `+=`. */
  operator(): boolean {
    this.skip(false);
    return (this.#match(/\+?=/y) ?? this.#expected("an assignment")) === "+=";
  }

  value(depth: number): Value {
    if (depth > most.depth) throw this.fail(`lists nested deeper than ${most.depth}`);
    if (++this.#items > most.items) throw this.fail(`more than ${most.items} values`);
    this.skip(depth > 0);
    const first = this.#source[this.#at];
    if (first === "[") return this.#list(depth);
    if (first === "'" || first === '"') return this.#text(first);
    const number = this.#match(/-?(?:0x[\da-f]+|\d+)(?![\w.])/iy);
    if (number === undefined) return this.#expected("a value");
    return readNumber(number) ?? this.#expected("a smaller number");
  }

  endOfStatement(): void {
    this.skip(false);
    if (!this.isAtEnd && this.#match(/[\n;]/y) === undefined) this.#expected("a new line");
  }

  #list(depth: number): Value[] {
    this.#at++;
    const list: Value[] = [];
    for (;;) {
      this.skip(true);
      if (this.#match(/\]/y) !== undefined) return list;
      list.push(this.value(depth + 1));
      this.skip(true);
      if (this.#match(/,/y) === undefined && this.#source[this.#at] !== "]")
        this.#expected("a comma or the end of the list");
    }
  }

  #text(quote: string): string {
    if (this.#source.startsWith(quote.repeat(3), this.#at)) return this.#longText(quote.repeat(3));
    let text = "";
    for (this.#at++; ; ) {
      const character = this.#source[this.#at++];
      if (character === undefined || character === "\n") throw this.fail("unterminated string");
      if (character === quote) return text;
      text += character === "\\" ? this.#escaped() : character;
      if (text.endsWith("\0")) throw this.fail("a text with a zero byte");
    }
  }

  #longText(quotes: string): string {
    const end = this.#source.indexOf(quotes, this.#at + 3);
    if (end < 0) throw this.fail("unterminated string");
    const text = this.#source.slice(this.#at + 3, end);
    this.#at = end + 3;
    return text;
  }

  #escaped(): string {
    const number = this.#match(/x[\da-f]{2}|[0-7]{3}/iy);
    if (number !== undefined) {
      return String.fromCharCode(number.startsWith("x") ? Number(`0${number}`) : Number.parseInt(number, 8) & 0xff);
    }
    const character = this.#source[this.#at++] ?? "";
    return escapes[character] ?? (`'"\\`.includes(character) ? character : `\\${character}`);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #expected(what: string): never {
    throw this.fail(`expecting ${what}`);
  }
}

function readNumber(text: string): number | undefined {
  const digits = text.replace("-", "");
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return Number.isSafeInteger(value) ? (text.startsWith("-") ? -value : value) : undefined;
}

/** The same language, one assignment a line. */
export function writeAssignments(all: Iterable<readonly [name: string, value: Value]>): string {
  return Array.from(all, ([name, value]) => `${name} = ${writeValue(value)}\n`).join("");
}

function writeValue(value: Value): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return `[ ${value.map(writeValue).join(", ")} ]`;
  return `"${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t")}"`;
}
