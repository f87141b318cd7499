import { type Deferred, type Loop, StateError } from "../event/index.ts";
import {
  type Call,
  fdLimit,
  type Header,
  holesAllowed,
  MessageType,
  type Opened,
  type Procedure,
  type Program,
  Status,
  type StreamCall,
} from "../protocol/index.ts";
import { decode, ProtocolError, struct } from "../xdr/index.ts";
import type { CallOptions } from "./call-options.ts";
import { CallTable, connectionEnded, type ReplyHandler } from "./call-table.ts";
import { checkLimit } from "./deadline.ts";
import type { Frame } from "./framer.ts";
import type { Outbox } from "./outbox.ts";
import type { PassedFds } from "./passed-fds.ts";
import type { Stream } from "./stream.ts";
import type { StreamTable } from "./stream-table.ts";

export interface CallerOptions {
  readonly loop: Loop;
  readonly outbox: Outbox;
  readonly streams: StreamTable;
  readonly passedFds: PassedFds;
  /** Whether the transport passes descriptors. */
  readonly passesFds: boolean;
  readonly state: () => string;
}

/** A call to be made, and how long it is waited for. */
export interface Request {
  readonly program: Program;
  readonly name: string;
  readonly args: unknown;
  readonly options: CallOptions;
}

/**
 * Our calls to the peer, and what becomes of their replies.
 *
 * call, callForFds, openStream: throw what makes the call impossible; the result rejects with what the peer says.
 * settle:  a reply has come; ProtocolError when it answers no call.
 * failAll: the connection is over.
 */
export class Caller {
  readonly #options: CallerOptions;
  readonly #calls: CallTable;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#calls = new CallTable(options.loop);
  }

  call(request: Request): Deferred<unknown> {
    const row = plainRowOf(request);
    return this.#request(request, row, () => ({
      accept: (reply) => {
        this.#refuseFds(reply);
        return decode(row.ret, reply.payload);
      },
      discard: (reply) => this.#refuseFds(reply),
    }));
  }

  callForFds(request: Request): Deferred<unknown> {
    const row = plainRowOf(request);
    return this.#request(request, row, () => ({
      accept: (reply) => {
        try {
          return { ret: decode(row.ret, reply.payload), fds: reply.fds };
        } catch (error) {
          this.#refuseFds(reply);
          throw error;
        }
      },
      discard: (reply) => this.#refuseFds(reply),
    }));
  }

  openStream(request: Request): Deferred<unknown> {
    const row = rowOf(request);
    if (!isStreamCall(row)) throw new TypeError(`${request.name} opens no stream: use call`);
    const holes = holesAllowed(row, request.args);
    return this.#request(request, row, (header) => ({
      accept: (reply) => this.#acceptStream(header, row, reply, holes),
      discard: (reply) => this.#abandonStream(header, reply),
    }));
  }

  settle(reply: Frame): void {
    if (reply.header.status !== Status.ok) this.#refuseFds(reply);
    this.#calls.settle(reply);
  }

  failAll(cause: Error | undefined): void {
    this.#calls.failAll(cause);
  }

  #request(request: Request, row: Call, handlerOf: (header: Header) => ReplyHandler): Deferred<unknown> {
    const { outbox, streams, state } = this.#options;
    const { program, name, args, options } = request;
    const { fds = [], signal } = options;
    if (state() !== "open") throw new StateError(`the connection is ${state()}: ${name} cannot be called`);
    if (signal?.aborted === true) throw signal.reason;
    checkLimit(options);
    this.#checkFds(fds);
    const serial = this.#calls.issueSerial((each) => streams.hasSerial(each));
    const type = fds.length > 0 ? MessageType.callWithFds : MessageType.call;
    const { number, version } = program;
    const header = { program: number, version, procedure: row.number, type, serial, status: Status.ok };
    if (row.stream !== undefined) streams.check(header);
    // Noted before it is sent: a reply to what is not noted would be the end of the connection.
    const result = this.#calls.add(header, name, handlerOf(header), options);
    try {
      options.onSerial?.(serial);
      if (fds.length > 0) outbox.addWithFds<unknown>(header, row.args, args, fds);
      else outbox.add<unknown>(header, row.args, args);
    } catch (error) {
      this.#calls.remove(serial);
      throw error;
    }
    // With a peer that does not read, this call was the one too many.
    if (state() !== "open") throw connectionEnded(`${name} could be called`, undefined);
    return result;
  }

  #checkFds(fds: readonly number[]): void {
    if (fds.length > fdLimit) throw new ProtocolError(`${fds.length} descriptors, the limit is ${fdLimit}`);
    if (fds.length === 0 || this.#options.passesFds) return;
    throw new StateError("descriptors cannot be passed on this connection: use a Unix socket");
  }

  /** The stream is there before anything else is read: its data may come right behind the reply. */
  #acceptStream(header: Header, row: StreamCall, reply: Frame, holes: boolean): Opened<unknown, Stream> {
    const { direction } = row.stream;
    try {
      const ret = decode(row.ret, reply.payload);
      const stream = this.#options.streams.open(header, { role: "client", direction, holes });
      this.#refuseFds(reply);
      return { ret, stream };
    } catch (error) {
      this.#abandonStream(header, reply);
      throw error;
    }
  }

  /** The server has opened a stream that nobody here wants: it is told so, and what it sends is ignored. */
  #abandonStream(header: Header, reply: Frame): void {
    this.#refuseFds(reply);
    this.#options.outbox.add({ ...header, type: MessageType.stream, status: Status.error }, nothing, {});
  }

  #refuseFds({ fds }: Frame): void {
    this.#options.passedFds.refuse(fds);
  }
}

const nothing = struct("nothing", {});

function rowOf({ program, name }: Request): Call {
  const row: Procedure | undefined = program.procedures[name];
  if (row?.kind !== "call") throw new TypeError(`${program.name} has no procedure ${name}`);
  return row;
}

function plainRowOf(request: Request): Call {
  const row = rowOf(request);
  if (!isStreamCall(row)) return row;
  throw new TypeError(`${request.name} opens a stream: use openStream`);
}

function isStreamCall(row: Call): row is StreamCall {
  return row.stream !== undefined;
}
