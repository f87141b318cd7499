import {
  DeadlineError,
  Deferred,
  type Handle,
  type Loop,
  OverflowError,
  StateError,
  type Timeout,
  type Transport,
} from "../event/index.ts";
import {
  type ArgsOf,
  type CallName,
  ErrorCode,
  ErrorDomain,
  type EventName,
  encodeMessage,
  eventSerial,
  type Header,
  keepalive,
  type MessageOf,
  MessageType,
  messageLengthLimit,
  type Procedure,
  type Program,
  type RetOf,
  Status,
  type Table,
  VirError,
  WireError,
} from "../protocol/index.ts";
import { type Codec, ProtocolError } from "../xdr/index.ts";
import type { CallOptions } from "./call-options.ts";
import { CallTable } from "./call-table.ts";
import { type Frame, Framer } from "./framer.ts";
import { IncomingCall } from "./incoming-call.ts";
import { Intake } from "./intake.ts";
import { Keepalive, type KeepaliveOptions } from "./keepalive.ts";

/** What a connection tells its owner, always from a turn of the loop. `onClose` comes exactly once and last. */
export interface ConnectionListener {
  /** The peer calls: answer `call`, now or later. Without it this is a client's end, and calls from a server are ignored. */
  onCall?(call: IncomingCall): void;
  /** The peer sent an event; `decodeEvent` reads it. */
  onEvent?(frame: Frame): void;
  /** Without a cause when the peer or we closed in order. */
  onClose(cause?: Error): void;
}

export interface ConnectionOptions {
  /** Longest message that is read, in bytes. Longer ones end the connection. */
  readonly messageLength?: number;
  /** Calls of the peer that may be under way at once; more wait, and reading with them. Default 64. */
  readonly callsUnderWay?: number;
  /** Bytes that may wait for the peer to read them, beside one message of any length. More end the connection. Default 2 MiB. */
  readonly backlog?: number;
  /** Takes the descriptors that a peer passes: nothing here uses them yet. They must be closed. */
  readonly releaseFds?: (fds: readonly number[]) => void;
}

/** Waiting replies from which on no more calls are taken from a peer, in bytes. */
const congestion = 1_048_576;

/**
 * One end of a connection, client's or server's: calls both ways by serial, replies in any order, events, keepalive.
 *
 *     idle -> open -> ending -> closed
 *
 * open:   idle -> open.
 * call:   open; otherwise it rejects.
 * sendEvent: open; otherwise nothing.
 * end:    open -> ending: what comes is dropped, what is under way is answered.
 * close:  any -> closed; idempotent. From here on only `onClose` is called; all calls that wait reject.
 */
export class Connection implements Handle {
  readonly #loop: Loop;
  readonly #transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #framer: Framer;
  readonly #calls: CallTable;
  readonly #intake: Intake;
  #listener: ConnectionListener | undefined;
  #state: "idle" | "open" | "ending" | "closed" = "idle";
  #keepalive: Keepalive | undefined;
  /** Reading is paused. */
  #deaf = false;
  #linger: Timeout | undefined;
  /** The longest message sent since the backlog was last empty. */
  #longest = 0;
  readonly #closed = new Deferred();

  constructor(loop: Loop, transport: Transport, options: ConnectionOptions = {}) {
    this.#loop = loop;
    this.#transport = transport;
    this.#options = options;
    this.#framer = new Framer(options.messageLength ?? messageLengthLimit);
    this.#calls = new CallTable(loop);
    this.#intake = new Intake({
      limit: options.callsUnderWay ?? 64,
      deliver: (call) => this.#listener?.onCall?.(call),
      isCongested: () => this.#transport.backlog > congestion,
      onFull: (full) => this.#deafen(full),
      postpone: () => loop.post(() => this.#intake.pump()),
    });
  }

  get state(): "idle" | "open" | "ending" | "closed" {
    return this.#state;
  }

  /** Resolves when the transport is gone too; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  open(listener: ConnectionListener): void {
    if (this.#state !== "idle") throw new StateError(`the connection is ${this.#state}: it can be opened once`);
    this.#listener = listener;
    this.#transport.open({
      onData: (bytes, fds) => this.#onData(bytes, fds),
      onDrain: () => this.#onDrain(),
      onClose: (cause) => this.#onClosed(cause),
    });
    this.#state = "open";
  }

  /** Calls the peer. Rejects with the peer's VirError, with ProtocolError when the arguments or the reply do not fit. */
  async call<T extends Table, N extends CallName<T> & string>(
    program: Program<T>,
    name: N,
    args: ArgsOf<T[N]>,
    options: CallOptions = {},
  ): Promise<RetOf<T[N]>> {
    const row: Procedure | undefined = program.procedures[name];
    if (row?.kind !== "call") throw new TypeError(`${program.name} has no procedure ${name}`);
    if (this.#state !== "open") throw new StateError(`the connection is ${this.#state}: ${name} cannot be called`);
    if (options.signal?.aborted === true) throw options.signal.reason;
    const header = headerOf(program, row, MessageType.call, this.#calls.issueSerial());
    const bytes = encodeMessage<unknown>(header, row.args, args);
    const result = this.#calls.add(header, name, row.ret, options);
    this.#send(bytes);
    return (await result.promise) as RetOf<T[N]>;
  }

  /** Sends an event. ProtocolError when the message does not fit its type. */
  sendEvent<T extends Table, N extends EventName<T> & string>(
    program: Program<T>,
    name: N,
    message: MessageOf<T[N]>,
  ): void {
    const row: Procedure | undefined = program.procedures[name];
    if (row?.kind !== "event") throw new TypeError(`${program.name} has no event ${name}`);
    this.#send(encodeMessage<unknown>(headerOf(program, row, MessageType.message, eventSerial), row.message, message));
  }

  /** Begins to ask the peer for signs of life. It must have said that it answers. Once; later calls change nothing. */
  startKeepalive(options: KeepaliveOptions): void {
    if (this.#state !== "open" || this.#keepalive !== undefined) return;
    this.#keepalive = new Keepalive(this.#loop, options, {
      ping: () => this.#sendKeepalive("ping"),
      pong: () => this.#sendKeepalive("pong"),
      dead: (silentMs) => this.close(new Error(`keepalive: the peer has been silent for ${silentMs} ms`)),
    });
    this.#keepalive.deafen(this.#deaf);
  }

  /** Closes when the calls under way are answered and all that was sent has left, at the latest after `lingerMs`. */
  end(lingerMs = 5_000): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#intake.close();
    // What still comes is dropped; but that the peer leaves must be seen.
    this.#transport.resume();
    const late = (): void => this.close(new DeadlineError(`calls or their replies are left after ${lingerMs} ms`));
    this.#linger = this.#loop.timeout(this.#loop.now() + lingerMs, late, { name: "linger" });
    this.#tryClose();
  }

  close(cause?: Error): void {
    if (this.#state === "closed") return;
    this.#finish(cause);
    this.#transport.close(cause);
    // Nobody listens to a transport that was never opened.
    if (this.#listener === undefined) this.#closed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #onData(bytes: Uint8Array, fds: readonly number[]): void {
    if (fds.length > 0) this.#options.releaseFds?.(fds);
    this.#keepalive?.heard();
    if (this.#state !== "open") return;
    this.#framer.push(bytes);
    try {
      this.#takeFrames();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(error);
    }
  }

  /** Keepalive is answered on the way through; calls are handed on when all that has come is sorted. */
  #takeFrames(): void {
    while (this.#state === "open") {
      const frame = this.#framer.next();
      if (frame === undefined) break;
      this.#receive(frame);
    }
    this.#intake.pump();
  }

  /** What is in order but not for us, streams that do not exist among it, is ignored: libvirt's ends do the same. */
  #receive(frame: Frame): void {
    const { type, program } = frame.header;
    if (type === MessageType.message && program === keepalive.number) return this.#onKeepalive(frame.header);
    if (type === MessageType.call || type === MessageType.callWithFds) {
      if (this.#listener?.onCall !== undefined) this.#intake.add(new IncomingCall(frame, this.#answers));
    } else if (type === MessageType.reply || type === MessageType.replyWithFds) {
      // A server that gets a reply drops it; for a client it means that the two do not understand each other.
      if (this.#listener?.onCall === undefined) this.#calls.settle(frame);
    } else if (type === MessageType.message) {
      this.#listener?.onEvent?.(frame);
    }
  }

  #onKeepalive({ procedure }: Header): void {
    if (procedure === keepalive.procedures.ping.number) this.#sendKeepalive("pong");
  }

  readonly #answers = {
    reply: <T>(header: Header, codec: Codec<T>, value: T): void => {
      let bytes: Uint8Array;
      try {
        bytes = encodeMessage({ ...header, type: MessageType.reply, status: Status.ok }, codec, value);
      } catch (cause) {
        const detail = "Unable to encode message payload";
        return this.#answers.fail(header, VirError.of(ErrorCode.rpc, ErrorDomain.rpc, detail, cause));
      }
      this.#answer(bytes);
    },
    fail: (header: Header, error: VirError): void => {
      this.#answer(
        encodeMessage({ ...header, type: MessageType.reply, status: Status.error }, WireError, error.toWire()),
      );
    },
  };

  #answer(bytes: Uint8Array): void {
    this.#send(bytes);
    this.#intake.done();
    this.#tryClose();
  }

  #sendKeepalive(name: keyof typeof keepalive.procedures): void {
    const row = keepalive.procedures[name];
    this.#send(encodeMessage(headerOf(keepalive, row, MessageType.message, 0), row.message, {}));
  }

  /** The one way out. A peer that does not read is dropped here: what waits for it stays bounded. */
  #send(bytes: Uint8Array): void {
    if (this.#state !== "open" && this.#state !== "ending") return;
    const { backlog } = this.#transport;
    if (backlog === 0) this.#longest = 0;
    if (backlog > this.#longest + (this.#options.backlog ?? 2_097_152)) {
      return this.close(new OverflowError(`the peer does not read: ${backlog} bytes wait for it`));
    }
    this.#longest = Math.max(this.#longest, bytes.length);
    this.#transport.send(bytes);
  }

  #deafen(deaf: boolean): void {
    if (this.#state !== "open") return;
    this.#deaf = deaf;
    if (deaf) this.#transport.pause();
    else this.#transport.resume();
    this.#keepalive?.deafen(deaf);
  }

  #onDrain(): void {
    this.#intake.pump();
    this.#tryClose();
  }

  #tryClose(): void {
    if (this.#state === "ending" && this.#intake.underWay === 0 && this.#transport.backlog === 0) this.close();
  }

  #onClosed(cause: Error | undefined): void {
    if (this.#state !== "closed") this.#finish(cause);
    this.#closed.resolve();
    this.#listener?.onClose(cause);
  }

  #finish(cause: Error | undefined): void {
    this.#state = "closed";
    this.#keepalive?.stop();
    this.#linger?.remove();
    this.#intake.close();
    this.#calls.failAll(cause);
  }
}

function headerOf(program: Program, row: Procedure, type: number, serial: number): Header {
  const { number, version } = program;
  return { program: number, version, procedure: row.number, type, serial, status: Status.ok };
}
