import type { CallName, Client, EventName, MessageOf, Program, Table } from "../protocol/index.ts";
import { decode } from "../xdr/index.ts";
import type { CallOptions } from "./call-options.ts";
import type { Connection } from "./connection.ts";
import type { Frame } from "./framer.ts";

/** A program of the peer as functions, named as its rows. */
export function clientOf<T extends Table>(connection: Connection, program: Program<T>): Client<T, CallOptions> {
  const names = Object.keys(program.procedures).filter((name) => program.procedures[name]?.kind === "call");
  const functions = names.map((name) => [
    name,
    (args: never, options?: CallOptions) => connection.call(program, name as CallName<T> & string, args, options),
  ]);
  return Object.fromEntries(functions) as Client<T, CallOptions>;
}

/** An event by its name, with what it says. */
export type ReceivedEvent<T extends Table> = {
  [N in EventName<T>]: { readonly name: N; readonly message: MessageOf<T[N]> };
}[EventName<T>];

/** Reads an event of a program; undefined for one that its table does not have. Throws ProtocolError. */
export function decodeEvent<T extends Table>(program: Program<T>, frame: Frame): ReceivedEvent<T> | undefined {
  if (frame.header.program !== program.number) return undefined;
  for (const [name, row] of Object.entries(program.procedures)) {
    if (row.kind !== "event" || row.number !== frame.header.procedure) continue;
    return { name, message: decode(row.message, frame.payload) } as ReceivedEvent<T>;
  }
  return undefined;
}
