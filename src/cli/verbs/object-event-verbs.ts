import type { Connection, EventfulKind, ObjectEventNames } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { showEvents, stampOf } from "./event-loop.ts";
import { findNetwork, findPool } from "./lookup.ts";
import { devices } from "./nodedev-verbs.ts";
import { secrets } from "./secret-verbs.ts";
import { type Doing, type Given, PlainFailure, type Verbs } from "./verb.ts";

/** What virsh says of the events of a kind of objects. */
interface Told<K extends EventfulKind> {
  readonly kind: K;
  /** The parameter that names one. */
  readonly parameter: string;
  readonly noun: string;
  /** virsh's names of the events, and the library's. */
  readonly names: Readonly<Record<string, ObjectEventNames<K>>>;
  readonly find: (connection: Connection, name: string) => Promise<object>;
}

interface Said {
  readonly name: string;
  readonly object?: unknown;
  readonly event?: string;
}

/** "event 'lifecycle' for network default: Started" */
function lineOf(noun: string, virshName: string, { object, event }: Said): string {
  const { name, uuid } = object as { readonly name?: string; readonly uuid?: string };
  const what = event === undefined ? "" : `: ${event.charAt(0).toUpperCase()}${event.slice(1)}`;
  return `event '${virshName}' for ${noun} ${name ?? uuid}${what}`;
}

function eventsVerb<K extends EventfulKind>(help: string, told: Told<K>): Doing {
  const { kind, parameter, noun, names, find } = told;
  const run = async (connection: Connection, given: Given, where: Around): Promise<string> => {
    if (given.has("list"))
      return Object.keys(names)
        .map((name) => `${name}\n`)
        .join("");
    const wanted = given.text("event");
    if (wanted === undefined) throw new PlainFailure("either --list or --event <type> is required");
    const ours = Object.hasOwn(names, wanted) ? names[wanted] : undefined;
    if (ours === undefined) throw new PlainFailure(`unknown event type ${wanted}`);
    const about = given.text(parameter);
    const one = about === undefined ? undefined : await find(connection, about);
    const begin = (signal: AbortSignal) =>
      one === undefined
        ? connection.eventsOf(kind, ours, { signal })
        : (one as { events(name: string, options: object): ReturnType<typeof connection.eventsOf<K>> }).events(ours, {
            signal,
          });
    return showEvents(
      connection,
      given,
      where,
      begin,
      (each) => `${stampOf(given)}${lineOf(noun, wanted, each as Said)}\n`,
    );
  };
  return {
    help,
    parameters: [`${parameter}?`, "event?", "timeout?#"],
    flags: ["loop", "list", "timestamp"],
    run,
  };
}

const lifecycle = "lifecycle" as const;

export const objectEventVerbs: Verbs = {
  "net-event": eventsVerb("shows the next event of a network, or those that follow", {
    kind: "network",
    parameter: "network",
    noun: "network",
    names: { lifecycle },
    find: findNetwork,
  }),
  "pool-event": eventsVerb("shows the next event of a storage pool, or those that follow", {
    kind: "storagePool",
    parameter: "pool",
    noun: "storage pool",
    names: { lifecycle, refresh: "refresh" },
    find: findPool,
  }),
  "nodedev-event": eventsVerb("shows the next event of a device of the host, or those that follow", {
    kind: "nodeDevice",
    parameter: "device",
    noun: "node device",
    names: { lifecycle, update: "update" },
    find: devices.find,
  }),
  "secret-event": eventsVerb("shows the next event of a secret, or those that follow", {
    kind: "secret",
    parameter: "secret",
    noun: "secret",
    names: { lifecycle, "value-changed": "valueChanged" },
    find: secrets.find,
  }),
};
