import {
  type CallName,
  type Client,
  type EventName,
  encodeMessage,
  eventSerial,
  type MessageOf,
  MessageType,
  type Procedure,
  type Program,
  Status,
  type StreamName,
  type Table,
} from "../protocol/index.ts";
import { decode } from "../xdr/index.ts";
import type { CallOptions } from "./call-options.ts";
import type { Connection } from "./connection.ts";
import type { Frame } from "./framer.ts";
import type { Stream } from "./stream.ts";

/** A program of the peer as functions, named as its rows. Those that open a stream give it with the reply. */
export function clientOf<T extends Table>(connection: Connection, program: Program<T>): Client<T, CallOptions, Stream> {
  const functions: Record<string, (args: never, options?: CallOptions) => Promise<unknown>> = {};
  for (const [name, row] of Object.entries<Procedure>(program.procedures)) {
    if (row.kind === "event") continue;
    functions[name] =
      row.stream === undefined
        ? (args, options) => connection.call(program, name as PlainName<T>, args, options)
        : (args, options) => connection.openStream(program, name as OpeningName<T>, args, options);
  }
  return functions as Client<T, CallOptions, Stream>;
}

type PlainName<T extends Table> = Exclude<CallName<T>, StreamName<T>> & string;
type OpeningName<T extends Table> = StreamName<T> & CallName<T> & string;

/** An event by its name, with what it says. */
export type ReceivedEvent<T extends Table> = {
  [N in EventName<T>]: { readonly name: N; readonly message: MessageOf<T[N]> };
}[EventName<T>];

/** Reads an event of a program; undefined for one that its table does not have. Throws ProtocolError. */
export function decodeEvent<T extends Table>(program: Program<T>, frame: Frame): ReceivedEvent<T> | undefined {
  if (frame.header.program !== program.number) return undefined;
  const found = eventsOf(program).get(frame.header.procedure);
  if (found === undefined) return undefined;
  return { name: found.name, message: decode<unknown>(found.row.message, frame.payload) } as ReceivedEvent<T>;
}

/** An event as a whole message, for `sendEncoded` to cut in two. ProtocolError when the message does not fit its type. */
export function encodeEvent<T extends Table, N extends EventName<T> & string>(
  program: Program<T>,
  name: N,
  message: MessageOf<T[N]>,
): Uint8Array {
  const row: Procedure | undefined = program.procedures[name];
  if (row?.kind !== "event") throw new TypeError(`${program.name} has no event ${name}`);
  const { number, version } = program;
  const type = MessageType.message;
  const header = { program: number, version, procedure: row.number, type, serial: eventSerial, status: Status.ok };
  return encodeMessage<unknown>(header, row.message, message);
}

type EventRow = Extract<Procedure, { kind: "event" }>;
const eventsByTable = new WeakMap<Table, ReadonlyMap<number, { readonly name: string; readonly row: EventRow }>>();

/** The events of a table by number, sorted once. */
function eventsOf({ procedures }: Program): ReadonlyMap<number, { readonly name: string; readonly row: EventRow }> {
  const known = eventsByTable.get(procedures);
  if (known !== undefined) return known;
  const events = new Map(
    Object.entries(procedures).flatMap(([name, row]) => (row.kind === "event" ? [[row.number, { name, row }]] : [])),
  );
  eventsByTable.set(procedures, events);
  return events;
}
