import {
  Breather,
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
  eventSerial,
  type Header,
  keepalive,
  type MessageOf,
  MessageType,
  messageLengthLimit,
  type Opened,
  type Procedure,
  type Program,
  type RetOf,
  Status,
  type StreamName,
  type Table,
  VirError,
} from "../protocol/index.ts";
import { ProtocolError } from "../xdr/index.ts";
import { Answers } from "./answers.ts";
import type { CallOptions } from "./call-options.ts";
import { connectionEnded } from "./call-table.ts";
import { Caller } from "./caller.ts";
import type { ConnectionListener, ConnectionOptions } from "./connection-options.ts";
import { type Frame, Framer } from "./framer.ts";
import { IncomingCall } from "./incoming-call.ts";
import { Intake } from "./intake.ts";
import { Keepalive, type KeepaliveOptions } from "./keepalive.ts";
import { LongReplies } from "./long-replies.ts";
import { Outbox } from "./outbox.ts";
import { PassedFds } from "./passed-fds.ts";
import { Pressure } from "./pressure.ts";
import type { Stream } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";

/**
 * One end of a connection, client's or server's: calls both ways by serial, replies in any order, events, streams,
 * passed descriptors, keepalive.
 *
 *     idle -> open -> ending -> closed
 *
 * open:   idle -> open.
 * call, callForFds, openStream: open; otherwise they reject.
 * sendEvent, sendEncoded: open; otherwise nothing.
 * end:    open -> ending: what comes is dropped, what is under way is answered, streams are aborted.
 * close:  any -> closed; idempotent. From here on only `onClose` is called; all calls that wait reject, all streams fail.
 */
export class Connection implements Handle {
  readonly #loop: Loop;
  readonly #transport: Transport;
  readonly #passedFds: PassedFds;
  readonly #framer: Framer;
  readonly #caller: Caller;
  readonly #intake: Intake;
  readonly #outbox: Outbox;
  readonly #pressure: Pressure;
  readonly #longReplies: LongReplies;
  readonly #streams: StreamTable;
  readonly #answers: Answers;
  #listener: ConnectionListener | undefined;
  #state: "idle" | "open" | "ending" | "closed" = "idle";
  #keepalive: Keepalive | undefined;
  /** Who wants reading to be paused. */
  readonly #deafenedBy = new Set<"calls" | "streams">();
  #linger: Timeout | undefined;
  readonly #closed = new Deferred();

  constructor(loop: Loop, transport: Transport, options: ConnectionOptions = {}) {
    this.#loop = loop;
    this.#transport = transport;
    this.#passedFds = new PassedFds(options.fdsUnderWay ?? 256, options.releaseFds ?? (() => {}));
    this.#framer = new Framer({
      limit: options.messageLength ?? messageLengthLimit,
      refuseFds: (fds) => this.#passedFds.refuse(fds),
    });
    const limit = options.backlog ?? 2_097_152;
    this.#outbox = new Outbox({
      loop,
      transport,
      limit,
      onOverflow: (error) => this.close(error),
      onFlushed: () => this.#onRoom(),
      onStalled: () => this.#pressure.watch(),
    });
    this.#pressure = new Pressure({
      loop,
      outbox: this.#outbox,
      limit,
      patienceMs: options.patienceMs,
      onOver: (error) => this.close(error),
    });
    const isCongested = (): boolean => this.#pressure.holdsCalls;
    this.#longReplies = new LongReplies({
      outbox: this.#outbox,
      breather: options.breather ?? new Breather(loop),
      isCongested,
    });
    this.#intake = new Intake({
      limit: options.callsUnderWay ?? 64,
      deliver: (call) => this.#listener?.onCall?.(call),
      isUrgent: ({ header }) => this.#listener?.isUrgent?.(header) === true,
      isCongested: () => isCongested() || this.#longReplies.isBusy,
      onFull: (full) => this.#deafen("calls", full),
      postpone: () => loop.post(() => this.#intake.pump()),
    });
    this.#streams = new StreamTable({
      loop,
      limit: options.streams ?? 64,
      unread: options.unread ?? { ofOne: 1_048_576, ofAll: 4_194_304 },
      send: (header, codec, value) => this.#outbox.add(header, codec, value),
      isCongested: () => this.#pressure.holdsData,
      onFull: (full) => this.#deafen("streams", full),
    });
    const { passesFds = false } = options;
    const common = { outbox: this.#outbox, streams: this.#streams, passedFds: this.#passedFds, passesFds };
    this.#caller = new Caller({ ...common, loop, state: () => this.#state });
    const onAnswered = (): void => this.#onAnswered();
    this.#answers = new Answers({ ...common, longReplies: this.#longReplies, onAnswered });
  }

  get state(): "idle" | "open" | "ending" | "closed" {
    return this.#state;
  }

  /** So much waits for the peer that what can wait should, until `onRoom`. */
  get isCongested(): boolean {
    return this.#pressure.holdsData;
  }

  /** Resolves when the transport is gone too; never rejects. */
  /** Calls of the peer that have come and not been handed on yet. */
  get callsWaiting(): number {
    return this.#intake.waiting;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The longest message that is read from here on, in bytes. */
  set messageLength(bytes: number) {
    this.#framer.limit = bytes;
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

  /**
   * Calls the peer. Rejects with the peer's VirError, with ProtocolError when the arguments or the reply do not fit.
   * Descriptors that come with the reply are closed.
   */
  call<T extends Table, N extends Exclude<CallName<T>, StreamName<T>> & string>(
    program: Program<T>,
    name: N,
    args: ArgsOf<T[N]>,
    options: CallOptions = {},
  ): Promise<RetOf<T[N]>> {
    return promised(() => this.#caller.call({ program, name, args, options }));
  }

  /** As `call`, for rows whose reply passes descriptors: they are the caller's to close, and may be none. */
  callForFds<T extends Table, N extends Exclude<CallName<T>, StreamName<T>> & string>(
    program: Program<T>,
    name: N,
    args: ArgsOf<T[N]>,
    options: CallOptions = {},
  ): Promise<{ readonly ret: RetOf<T[N]>; readonly fds: readonly number[] }> {
    return promised(() => this.#caller.callForFds({ program, name, args, options }));
  }

  /** As `call`, for rows that open a stream. `signal` and `timeoutMs` are for the call; the stream is there with the reply. */
  openStream<T extends Table, N extends StreamName<T> & CallName<T> & string>(
    program: Program<T>,
    name: N,
    args: ArgsOf<T[N]>,
    options: CallOptions = {},
  ): Promise<Opened<RetOf<T[N]>, Stream>> {
    return promised(() => this.#caller.openStream({ program, name, args, options }));
  }

  /** Sends an event. ProtocolError when the message does not fit its type. */
  sendEvent<T extends Table, N extends EventName<T> & string>(
    program: Program<T>,
    name: N,
    message: MessageOf<T[N]>,
  ): void {
    const row: Procedure | undefined = program.procedures[name];
    if (row?.kind !== "event") throw new TypeError(`${program.name} has no event ${name}`);
    if (this.#state !== "open") return;
    this.#outbox.add<unknown>(headerOf(program, row, MessageType.message, eventSerial), row.message, message);
  }

  /** Sends what `encodeEvent` has made, in two parts: `head` stays the caller's, `rest` may not change any more. */
  sendEncoded(head: Uint8Array, rest: Uint8Array): void {
    if (this.#state === "open") this.#outbox.addEncoded(head, rest);
  }

  /** Begins to ask the peer for signs of life. It must have said that it answers. Once; later calls change nothing. */
  startKeepalive(options: KeepaliveOptions): void {
    if (this.#state !== "open" || this.#keepalive !== undefined) return;
    this.#keepalive = new Keepalive(this.#loop, options, {
      ping: () => this.#sendKeepalive("ping"),
      pong: () => this.#sendKeepalive("pong"),
      dead: (silentMs) => this.close(new Error(`keepalive: the peer has been silent for ${silentMs} ms`)),
    });
    this.#keepalive.deafen(this.#isDeaf);
  }

  /** Closes when the calls under way are answered and all that was sent has left, at the latest after `lingerMs`. */
  end(lingerMs = 5_000): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#intake.close();
    const detail = "the connection is ending, and its streams with it";
    this.#streams.abortAll(VirError.of(ErrorCode.operationAborted, ErrorDomain.streams, detail));
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
    this.#keepalive?.heard();
    if (this.#state !== "open") return this.#passedFds.refuse(fds);
    // What is answered on the spot goes out in one piece.
    this.#outbox.hold();
    try {
      this.#framer.push(bytes, fds);
      this.#takeFrames();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(error);
    } finally {
      this.#outbox.release();
    }
    this.#streams.pump();
    if (this.#state === "open") this.#listener?.onRoom?.();
    this.#tryClose();
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

  /** What is in order but not for us is ignored: libvirt's ends do the same. */
  #receive(frame: Frame): void {
    const { type, program } = frame.header;
    if (type === MessageType.message && program === keepalive.number) return this.#onKeepalive(frame.header);
    if (type === MessageType.call || type === MessageType.callWithFds) this.#onCall(frame);
    else if (type === MessageType.reply || type === MessageType.replyWithFds) this.#onReply(frame);
    else if (type === MessageType.stream || type === MessageType.streamHole) this.#streams.receive(frame);
    else if (type === MessageType.message && this.#listener?.onEvent !== undefined) this.#listener.onEvent(frame);
    else this.#listener?.onIgnored?.(frame.header);
  }

  #onCall(frame: Frame): void {
    if (this.#listener?.onCall === undefined) return this.#passedFds.refuse(frame.fds);
    const fits = this.#passedFds.hold(frame.fds);
    this.#intake.add(new IncomingCall(frame, this.#answers));
    if (!fits) this.close(new OverflowError("the peer has passed too many descriptors with calls that are under way"));
  }

  /** A server that gets a reply drops it; for a client one that it did not ask for means that the two misunderstand each other. */
  #onReply(frame: Frame): void {
    if (this.#listener?.onCall === undefined) return this.#caller.settle(frame);
    this.#passedFds.refuse(frame.fds);
    this.#listener.onIgnored?.(frame.header);
  }

  #onKeepalive({ procedure }: Header): void {
    if (procedure === keepalive.procedures.ping.number) this.#sendKeepalive("pong");
  }

  #sendKeepalive(name: keyof typeof keepalive.procedures): void {
    const row = keepalive.procedures[name];
    this.#outbox.add(headerOf(keepalive, row, MessageType.message, 0), row.message, {});
  }

  #onAnswered(): void {
    this.#intake.done();
    this.#tryClose();
  }

  get #isDeaf(): boolean {
    return this.#deafenedBy.size > 0;
  }

  #deafen(who: "calls" | "streams", deaf: boolean): void {
    const before = this.#isDeaf;
    if (deaf) this.#deafenedBy.add(who);
    else this.#deafenedBy.delete(who);
    if (this.#state !== "open" || this.#isDeaf === before) return;
    if (deaf) this.#transport.pause();
    else this.#transport.resume();
    this.#keepalive?.deafen(deaf);
  }

  #onDrain(): void {
    this.#pressure.stop();
    this.#outbox.drained();
    this.#onRoom();
  }

  /** Something has left, so more may be made. */
  #onRoom(): void {
    this.#longReplies.pump();
    this.#intake.pump();
    this.#streams.pump();
    if (this.#state === "open") this.#listener?.onRoom?.();
    this.#tryClose();
  }

  #tryClose(): void {
    if (this.#state === "ending" && this.#intake.underWay === 0 && this.#outbox.pending === 0) this.close();
  }

  #onClosed(reason: Error | undefined): void {
    const cause = reason ?? this.#breach();
    if (this.#state !== "closed") this.#finish(cause);
    this.#closed.resolve();
    this.#listener?.onClose(cause);
  }

  /** Why a peer's leaving is not in order. */
  #breach(): Error | undefined {
    const { available } = this.#framer;
    if (this.#state !== "open" || available === 0) return undefined;
    return new ProtocolError(`the peer left in the middle of a message: ${available} bytes of it have come`);
  }

  #finish(cause: Error | undefined): void {
    this.#state = "closed";
    this.#keepalive?.stop();
    this.#linger?.remove();
    this.#intake.close();
    this.#longReplies.close();
    this.#outbox.close();
    this.#pressure.stop();
    this.#framer.close();
    this.#caller.failAll(cause);
    this.#streams.failAll(connectionEnded("the end of the stream", cause));
  }
}

/** The result of a call; rejects too when it cannot be made. Not an async function: each way through one takes a turn of its own. */
function promised<T>(call: () => Deferred<unknown>): Promise<T> {
  try {
    return call().promise as Promise<T>;
  } catch (error) {
    return Promise.reject(error);
  }
}

function headerOf(program: Program, row: Procedure, type: number, serial: number): Header {
  const { number, version } = program;
  return { program: number, version, procedure: row.number, type, serial, status: Status.ok };
}
