/** One thing of a type: a field, an arm of a union, a typedef. */
export interface Declaration {
  readonly name: string;
  readonly type: string;
  /** How many: `*` at most one, `[n]` exactly n, `<n>` at most n; undefined is one. */
  readonly count?: { readonly form: "*" | "[" | "<"; readonly limit: string };
}

export type Definition =
  | { readonly kind: "alias"; readonly declaration: Declaration }
  | { readonly kind: "struct"; readonly fields: readonly Declaration[] }
  | { readonly kind: "union"; readonly arms: readonly (readonly [tag: string, arm: Declaration])[] }
  | { readonly kind: "enum" };

/** A value of an enum, with the comment before it. */
export interface Enumerator {
  readonly name: string;
  readonly value: number;
  readonly comment: string;
}

/** What `.x` files say: XDR's language (RFC 4506, chapter 6), as far as libvirt uses it. */
export interface XFile {
  readonly constants: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, Definition>;
  readonly enums: ReadonlyMap<string, readonly Enumerator[]>;
}

/** Parses the texts of files one after the other; later ones may use what is defined in earlier ones. Throws SyntaxError. */
export function parseXFiles(texts: readonly string[]): XFile {
  const parser = new Parser();
  for (const text of texts) parser.parse(text);
  return parser;
}

interface Token {
  readonly text: string;
  /** The comments before it. */
  readonly comment: string;
  readonly line: number;
}

/** Comments; lines for the C compiler; words and numbers; signs. */
const lexeme = /\/\*[\s\S]*?\*\/|^[ \t]*[%#].*$|[A-Za-z_]\w*|-?\d\w*|[^\s]/gm;

/** Constants that the files take from libvirt's public headers. */
const publicConstants: Readonly<Record<string, number>> = {
  VIR_UUID_BUFLEN: 16,
  VIR_SECURITY_MODEL_BUFLEN: 257,
  VIR_SECURITY_LABEL_BUFLEN: 4_097,
  VIR_SECURITY_DOI_BUFLEN: 257,
  VIR_TYPED_PARAM_INT: 1,
  VIR_TYPED_PARAM_UINT: 2,
  VIR_TYPED_PARAM_LLONG: 3,
  VIR_TYPED_PARAM_ULLONG: 4,
  VIR_TYPED_PARAM_DOUBLE: 5,
  VIR_TYPED_PARAM_BOOLEAN: 6,
  VIR_TYPED_PARAM_STRING: 7,
};

class Parser implements XFile {
  readonly constants = new Map(Object.entries(publicConstants));
  readonly types = new Map<string, Definition>();
  readonly enums = new Map<string, readonly Enumerator[]>();
  #tokens: Token[] = [];

  parse(text: string): void {
    this.#tokens = tokensOf(text);
    while (this.#tokens.length > 0) this.#definition();
  }

  #definition(): void {
    const keyword = this.#next();
    if (keyword === "typedef") {
      const declaration = this.#declaration();
      this.types.set(declaration.name, { kind: "alias", declaration });
    } else {
      const name = this.#next();
      if (keyword === "const") this.#constant(name);
      else if (keyword === "struct") this.types.set(name, { kind: "struct", fields: this.#fields() });
      else if (keyword === "union") this.types.set(name, { kind: "union", arms: this.#arms() });
      else if (keyword === "enum") this.#enum(name);
      else this.#fail(`a definition cannot begin with "${keyword}"`);
    }
    this.#expect(";");
  }

  #constant(name: string): void {
    this.#expect("=");
    this.constants.set(name, this.#value(this.#next()));
  }

  #enum(name: string): void {
    const enumerators: Enumerator[] = [];
    this.#expect("{");
    while (!this.#take("}")) {
      const comment = this.#tokens[0]?.comment ?? "";
      const each = this.#next();
      const value = this.#take("=") ? this.#value(this.#next()) : (enumerators.at(-1)?.value ?? -1) + 1;
      enumerators.push({ name: each, value, comment });
      this.constants.set(each, value);
      this.#take(",");
    }
    this.enums.set(name, enumerators);
    this.types.set(name, { kind: "enum" });
  }

  #fields(): Declaration[] {
    const fields: Declaration[] = [];
    this.#expect("{");
    while (!this.#take("}")) {
      fields.push(this.#declaration());
      this.#expect(";");
    }
    return fields;
  }

  #arms(): (readonly [string, Declaration])[] {
    const arms: (readonly [string, Declaration])[] = [];
    this.#expect("switch");
    this.#expect("(");
    this.#declaration();
    this.#expect(")");
    this.#expect("{");
    while (!this.#take("}")) {
      this.#expect("case");
      const tag = this.#next();
      this.#expect(":");
      arms.push([tag, this.#declaration()]);
      this.#expect(";");
    }
    return arms;
  }

  #declaration(): Declaration {
    const type = this.#type();
    const isPointer = this.#take("*");
    const name = this.#next();
    if (isPointer) return { name, type, count: { form: "*", limit: "" } };
    for (const [form, end] of [
      ["[", "]"],
      ["<", ">"],
    ] as const) {
      if (!this.#take(form)) continue;
      const limit = this.#take(end) ? "" : this.#next();
      if (limit !== "") this.#expect(end);
      return { name, type, count: { form, limit } };
    }
    return { name, type };
  }

  #type(): string {
    const word = this.#next();
    if (word === "struct" || word === "enum") return this.#next();
    if (word !== "unsigned") return word;
    const sized = ["int", "hyper", "char", "short", "long"].find((each) => this.#take(each));
    return `unsigned ${sized ?? "int"}`;
  }

  #value(word: string): number {
    const value = this.constants.get(word) ?? Number(word);
    return Number.isNaN(value) ? this.#fail(`"${word}" is no number and no constant`) : value;
  }

  #next(): string {
    return this.#tokens.shift()?.text ?? this.#fail("the file ends too early");
  }

  #take(text: string): boolean {
    if (this.#tokens[0]?.text !== text) return false;
    this.#tokens.shift();
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(`"${text}" is missing`);
  }

  #fail(what: string): never {
    throw new SyntaxError(`line ${this.#tokens[0]?.line ?? "last"}: ${what}`);
  }
}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let comment = "";
  for (const { 0: text, index } of source.matchAll(lexeme)) {
    if (text.startsWith("/*")) comment += text;
    else if (!/^[ \t]*[%#]/.test(text)) {
      tokens.push({ text, comment, line: source.slice(0, index).split("\n").length });
      comment = "";
    }
  }
  return tokens;
}
