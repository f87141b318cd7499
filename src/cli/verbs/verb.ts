import type { Connection } from "../../open/index.ts";

/** What a verb was given. */
export class Given {
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;

  constructor(values: Readonly<Record<string, string | boolean | undefined>>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** Of a parameter that has to be there. */
  need(name: string): string {
    return this.text(name) ?? "";
  }

  /** Those of `names` that were given. */
  all<N extends string>(names: readonly N[]): N[] {
    return names.filter((name) => this.has(name));
  }
}

/** What a listing shows: for people a table, for programs the objects. */
export interface Listing {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly objects: readonly object[];
}

/** A command of virsh's. */
export interface Verb {
  readonly help: string;
  /** In order, each also an option of that name; "?" behind one that may be left out. */
  readonly parameters?: readonly string[];
  readonly flags?: readonly string[];
  readonly texts?: readonly string[];
  /** The first line of what is said when it fails; the error's own message follows. */
  readonly failure?: (given: Given) => string;
  /** What is printed. */
  run(connection: Connection, given: Given): Promise<string | Listing>;
}

export type Verbs = Readonly<Record<string, Verb>>;

/** Said as it stands, without a line before it, as virsh does: what is asked for is not there, or there already. */
export class PlainFailure extends Error {}
