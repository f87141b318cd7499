import { readFileSync } from "node:fs";
import type { Connection } from "../../open/index.ts";
import type { Given, Verb } from "./verb.ts";

interface NamedObject {
  readonly name: string;
  readonly uuid: string;
}

/** Of what kind an object is: "network" is also the parameter that names one, and what virsh calls it. */
export interface ObjectKind<T extends NamedObject> {
  readonly noun: string;
  readonly find: (connection: Connection, name: string) => Promise<T>;
}

/** As virsh has it: what runs, unless something else is asked for. */
export function listFlags(given: Given): readonly ("active" | "inactive")[] {
  if (given.has("all")) return ["active", "inactive"];
  return given.has("inactive") ? ["inactive"] : ["active"];
}

export const yesNo = (value: boolean): string => (value ? "yes" : "no");

export function byName<T extends NamedObject>(objects: Iterable<T>): T[] {
  return [...objects].sort((one, other) => (one.name < other.name ? -1 : 1));
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
  act(help: string, verb: string, done: string, todo: (object: T) => Promise<unknown>): Verb {
    const { noun } = this.#kind;
    return {
      help,
      parameters: [noun],
      failure: (given) => `Failed to ${verb} ${noun} ${given.need(noun)}`,
      run: async (connection, given) => {
        const object = await this.find(connection, given);
        await todo(object);
        return `${this.#title} ${object.name} ${done}\n`;
      },
    };
  }

  uuid(help: string): Verb {
    return {
      help,
      parameters: [this.#kind.noun],
      run: async (connection, given) => `${(await this.find(connection, given)).uuid}\n`,
    };
  }

  define(help: string, todo: (connection: Connection, xml: string) => Promise<T>): Verb {
    return {
      help,
      parameters: ["file"],
      failure: (given) => `Failed to define ${this.#kind.noun} from ${given.need("file")}`,
      run: async (connection, given) => {
        const { name } = await todo(connection, readFileSync(given.need("file"), "utf8"));
        return `${this.#title} ${name} defined from ${given.need("file")}\n`;
      },
    };
  }
}
