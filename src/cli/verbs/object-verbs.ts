import { readFileSync } from "node:fs";
import { type Connection, ErrorCode, VirError } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { type Doing, type Given, PlainFailure, type Showing } from "./verb.ts";

interface NamedObject {
  readonly name: string;
  readonly uuid: string;
  getXmlDesc(options?: { readonly flags?: "inactive"[] }): Promise<string>;
  setAutostart(on: boolean): Promise<void>;
}

/** Of what kind an object is: "network" is also the parameter that names one, and what virsh calls it. */
export interface ObjectKind<T extends NamedObject> {
  readonly noun: string;
  readonly find: (connection: Connection, name: string) => Promise<T>;
  readonly findByUuid: (connection: Connection, uuid: string) => Promise<T>;
  readonly define: (connection: Connection, xml: string, given?: Given) => Promise<T>;
}

/** As virsh has it: what runs, unless something else is asked for. */
export function listFlags(given: Given): readonly ("active" | "inactive")[] {
  if (given.has("all")) return ["active", "inactive"];
  return given.has("inactive") ? ["inactive"] : ["active"];
}

const filters = {
  persistent: "persistent",
  transient: "transient",
  autostart: "autostart",
  "no-autostart": "noAutostart",
} as const;

/** The options of listings. */
export const listOptions: readonly string[] = ["all", "inactive", ...Object.keys(filters), "uuid", "name"];

/** Those that choose among objects, in the words of calls. */
export function listFilters(given: Given): ("active" | "inactive" | (typeof filters)[keyof typeof filters])[] {
  return [...listFlags(given), ...given.words(filters)];
}

/** Plain lines, where only names or uuids are asked for. */
export function plainList(given: Given, objects: readonly NamedObject[], nameWidth = 0): string | undefined {
  if (given.has("json") || !(given.has("uuid") || given.has("name"))) return undefined;
  return objects.map(({ name, uuid }) => `${given.has("uuid") ? uuid.padEnd(36) : name.padEnd(nameWidth)}\n`).join("");
}

export const yesNo = (value: boolean): string => (value ? "yes" : "no");

export function byName<T extends { readonly name: string }>(objects: Iterable<T>): T[] {
  return [...objects].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** A file's text. Throws PlainFailure in virsh's words. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new PlainFailure(`Failed to open file '${path}': ${whyNot(error)}`, { cause: error });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EISDIR: "Is a directory",
};

/** What the system says of a file, in the words of C's library. */
export function whyNot(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}

/** The verbs that networks and storage pools have in common. */
export class ObjectVerbs<T extends NamedObject> {
  readonly #kind: ObjectKind<T>;
  /** "Network". */
  readonly #title: string;

  constructor(kind: ObjectKind<T>) {
    this.#kind = kind;
    this.#title = kind.noun.charAt(0).toUpperCase() + kind.noun.slice(1);
  }

  find(connection: Connection, given: Given): Promise<T> {
    return this.#kind.find(connection, given.need(this.#kind.noun));
  }

  /** `verb` and `done` are virsh's words: "start", "started". */
  act(
    help: string,
    verb: string,
    done: string,
    todo: (object: T, given: Given) => Promise<unknown>,
    flags: readonly string[] = [],
  ): Doing {
    const { noun } = this.#kind;
    return {
      help,
      parameters: [noun],
      flags,
      failure: (given) => `Failed to ${verb} ${noun} ${given.need(noun)}`,
      run: async (connection, given) => {
        const object = await this.find(connection, given);
        await todo(object, given);
        return `${this.#title} ${object.name} ${done}\n`;
      },
    };
  }

  uuid(help: string): Doing {
    return {
      help,
      parameters: [this.#kind.noun],
      run: async (connection, given) => `${(await this.find(connection, given)).uuid}\n`,
    };
  }

  name(help: string): Doing {
    const { noun, findByUuid } = this.#kind;
    return {
      help,
      parameters: [noun],
      run: async (connection, given) => `${(await findByUuid(connection, given.need(noun))).name}\n`,
    };
  }

  dumpxml(help: string): Doing {
    return {
      help,
      parameters: [this.#kind.noun],
      flags: ["inactive"],
      run: async (connection, given) =>
        (await this.find(connection, given)).getXmlDesc({ flags: given.all(["inactive"]) }),
    };
  }

  autostart(help: string): Doing {
    const { noun } = this.#kind;
    return {
      help,
      parameters: [noun],
      flags: ["disable"],
      failure: (given) =>
        `failed to ${given.has("disable") ? "un" : ""}mark ${noun} ${given.need(noun)} as autostarted`,
      run: async (connection, given) => {
        const object = await this.find(connection, given);
        const isOff = given.has("disable");
        await object.setAutostart(!isOff);
        return `${this.#title} ${object.name} ${isOff ? "unmarked" : "marked"} as autostarted\n`;
      },
    };
  }

  define(help: string): Doing {
    return this.fromFile(help, "define", "defined", this.#kind.define, ["validate"]);
  }

  /** `verb` and `done` are virsh's words: "create", "created". */
  fromFile(
    help: string,
    verb: string,
    done: string,
    todo: (connection: Connection, xml: string, given: Given) => Promise<T>,
    flags: readonly string[],
  ): Doing {
    return {
      help,
      parameters: ["file"],
      flags,
      failure: (given) => `Failed to ${verb} ${this.#kind.noun} from ${given.need("file")}`,
      run: async (connection, given) => {
        const { name } = await todo(connection, readText(given.need("file")), given);
        return `${this.#title} ${name} ${done} from ${given.need("file")}\n`;
      },
    };
  }

  edit(help: string): Doing {
    return {
      help,
      parameters: [this.#kind.noun],
      run: async (connection, given, where: Around) => {
        const object = await this.find(connection, given);
        const { edit } = await import("./edit.ts");
        const what = `${this.#title} ${object.name} XML configuration`;
        const made = await edit(where, {
          what,
          read: () => definitionOf(object),
          write: (xml) => this.#kind.define(connection, xml),
        });
        return `${what} ${made === undefined ? "not changed" : "edited"}.\n`;
      },
    };
  }
}

/** Some drivers have one definition alone, and refuse to be asked for another. */
async function definitionOf(object: NamedObject): Promise<string> {
  try {
    return await object.getXmlDesc({ flags: ["inactive"] });
  } catch (error) {
    if (!(error instanceof VirError) || error.code !== ErrorCode.invalidArg) throw error;
    return object.getXmlDesc();
  }
}

/** A listing's verb. */
export function listing(help: string, show: Showing["show"], failure: string, more: Partial<Showing> = {}): Showing {
  return { help, flags: listOptions, ...more, failure: () => failure, show };
}
