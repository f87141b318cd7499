import type { Connection } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { readText } from "./object-verbs.ts";
import type { Doing, Given } from "./verb.ts";

/** A kind of things whose verbs have little in common but how one is found. */
export interface ThingKind<T> {
  /** The parameter that names one. */
  readonly parameter: string;
  /** Throws PlainFailure. */
  readonly find: (connection: Connection, name: string) => Promise<T>;
}

type Say<T> = (thing: T, given: Given, connection: Connection, where: Around) => Promise<string>;

/** A verb about one of them. */
export function about<T>(kind: ThingKind<T>, help: string, say: Say<T>, more: Partial<Doing> = {}): Doing {
  const { parameter, find } = kind;
  return {
    help,
    ...more,
    parameters: [parameter, ...(more.parameters ?? [])],
    run: async (connection, given, where) =>
      say(await find(connection, given.need(parameter)), given, connection, where),
  };
}

/** A verb that makes one of what is in a file. `failure` is what virsh says when it fails, with % for the file. */
export function fromFile(
  help: string,
  failure: string,
  make: (connection: Connection, xml: string, given: Given) => Promise<string>,
  flags: readonly string[] = ["validate"],
): Doing {
  return {
    help,
    parameters: ["file"],
    flags,
    failure: (given) => failure.replace("%", given.need("file")),
    run: (connection, given) => make(connection, readText(given.need("file")), given),
  };
}

/** What a call has for --validate. */
export function validating(given: Given): { readonly flags?: "validate" } {
  return given.has("validate") ? { flags: "validate" } : {};
}

/** A verb that edits its definition. */
export function editing<T extends { readonly name: string }>(
  kind: ThingKind<T>,
  help: string,
  title: string,
  read: (thing: T) => Promise<string>,
  write: (connection: Connection, xml: string) => Promise<T>,
): Doing {
  return about(kind, help, async (thing, _, connection, where) => {
    const { edit } = await import("./edit.ts");
    const what = `${title} ${thing.name} XML configuration`;
    const made = await edit(where, { what, read: () => read(thing), write: (xml) => write(connection, xml) });
    return `${what} ${made === undefined ? "not changed" : "edited"}.\n`;
  });
}
