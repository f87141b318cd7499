import { Deferred, StateError } from "../event/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  headerLength,
  MessageType,
  Status,
  StreamHole,
  type StreamRule,
  streamDataLimit,
  VirError,
  WireError,
} from "../protocol/index.ts";
import { type Codec, decode, ProtocolError, rest, struct } from "../xdr/index.ts";
import type { Frame } from "./framer.ts";
import { isHole, PartsToSend, ReceivedParts, type StreamPart } from "./stream-part.ts";

export interface StreamSide {
  readonly role: "client" | "server";
  readonly direction: StreamRule["direction"];
  /** Holes may stand for data, in both directions. */
  readonly holes: boolean;
}

export type PacketType = typeof MessageType.stream | typeof MessageType.streamHole;

/** What our end of a stream needs of its connection. */
export interface StreamPort {
  /** Sends a packet of the stream now. */
  send<T>(type: PacketType, status: number, codec: Codec<T>, value: T): void;
  /** There is data to send: `sendNext` is to be called when it is this stream's turn. */
  onReady(): void;
  /** By so many bytes the memory has changed that what was received takes. */
  onWeight(change: number): void;
  /** The stream is gone; late packets mean nobody. */
  onClosed(): void;
}

/** Bytes that may wait to be sent, beside one part of any length. */
const sendLimit = 1_048_576;
/** Most data in one packet. A server's are shorter, so that they alone never hold its client's calls back: `pressure.ts`. */
const packetLength = { client: streamDataLimit, server: 61_440 } as const;
const nothing = struct("nothing", {});

/**
 * Our end of a stream, and its part of the protocol: a client finishes or aborts, and a server confirms either; a server
 * tells of the end of its data, and of what went wrong. Whoever uses a stream has a `Stream`.
 *
 *     open -> finishing -> closed
 *     open, finishing -> closed      (an abort by either end, or the end of the connection)
 *
 * put:      open.
 * finish:   open -> finishing; the peer is told when all data has been sent.
 * abort:    any -> closed, and the peer is told. Idempotent.
 * receive:  any; data that nobody is to read any more is dropped. ProtocolError for what may not come.
 * sendNext: any; sends one packet of data, if there is one, and returns its length.
 * fail:     any -> closed, without a word to the peer.
 */
export class StreamEnd {
  readonly received: ReceivedParts;
  readonly #side: StreamSide;
  readonly #port: StreamPort;
  readonly #toSend = new PartsToSend(sendLimit);
  readonly #finished = new Deferred();
  #state: "open" | "finishing" | "closed" = "open";
  /** A server's client has sent all it had, and waits for the confirmation. */
  #peerFinished = false;
  #cause: unknown;

  constructor(side: StreamSide, port: StreamPort) {
    this.#side = side;
    this.#port = port;
    this.received = new ReceivedParts((change) => port.onWeight(change));
  }

  get state(): "open" | "finishing" | "closed" {
    return this.#state;
  }

  get direction(): StreamRule["direction"] {
    return this.#side.direction;
  }

  /** There is data to send. */
  get isReady(): boolean {
    return !this.#toSend.isEmpty;
  }

  /** Settled when the stream is gone: in order, or with the reason. */
  get finished(): Deferred {
    return this.#finished;
  }

  async put(part: StreamPart): Promise<void> {
    this.#checkWritable();
    if (isHole(part) && !this.#side.holes) throw new StateError("holes were not asked for when the stream was opened");
    if (!isHole(part) && part.length === 0) return;
    const sent = this.#toSend.add(part);
    this.#port.onReady();
    await sent;
  }

  finish(): void {
    if (this.#state !== "open") return;
    this.#state = "finishing";
    // Whoever finishes reads no more.
    this.received.clear();
    if (this.#toSend.isEmpty) this.#sayFinished();
  }

  abort(reason: unknown): void {
    if (this.#state === "closed") return;
    if (this.#side.role === "client") this.#sendPacket(Status.error, nothing, {});
    else this.#sendPacket(Status.error, WireError, toVirError(reason).toWire());
    this.received.clear(reason);
    this.fail(reason);
  }

  fail(cause: unknown): void {
    if (this.#state === "closed") return;
    this.#cause = cause;
    this.#toSend.fail(cause);
    this.received.end(cause);
    this.#finished.reject(cause);
    this.#close();
  }

  sendNext(): number {
    const part = this.#toSend.take(packetLength[this.#side.role]);
    if (part === undefined) return 0;
    if (isHole(part)) {
      this.#port.send(MessageType.streamHole, Status.continue, StreamHole, { length: part.hole, flags: 0 });
    } else this.#sendPacket(Status.continue, rest, part);
    if (this.#toSend.isEmpty && this.#state === "finishing") this.#sayFinished();
    return headerLength + (isHole(part) ? 0 : part.length);
  }

  receive({ header, payload }: Frame): void {
    if (header.type === MessageType.streamHole) this.#onHole(payload);
    else if (header.status === Status.continue) this.#onData(payload);
    else if (header.status === Status.ok) this.#onFinish();
    else if (header.status === Status.error) this.#onError(payload);
    else throw new ProtocolError(`a packet of a stream has status ${header.status}`);
  }

  #onHole(payload: Uint8Array): void {
    const { length } = decode(StreamHole, payload);
    if (!this.#side.holes) throw new ProtocolError("a hole in a stream that was opened without");
    if (length < 0n) throw new ProtocolError(`a hole of ${length} bytes`);
    if (this.#isReading) this.received.push({ hole: length });
  }

  /** From a server, no data is the end of its data; a client says that by finishing. */
  #onData(payload: Uint8Array): void {
    if (!this.#isReading) return;
    if (payload.length > 0) this.received.push(payload);
    else if (this.#side.role === "client") this.received.end();
  }

  #onFinish(): void {
    if (this.#side.role === "client") return this.#end();
    if (this.#state === "finishing") return this.#confirm();
    this.#peerFinished = true;
    this.received.end();
    this.#toSend.fail(finishedByPeer());
    // Of a client that only reads, nobody here awaits the end.
    if (this.#side.direction === "download") this.finish();
  }

  #onError(payload: Uint8Array): void {
    if (this.#side.role === "client") {
      const error = payload.length === 0 ? abortedByPeer() : VirError.fromWire(decode(WireError, payload));
      return this.fail(error);
    }
    this.#sendPacket(Status.ok, nothing, {});
    this.fail(abortedByPeer());
  }

  /** All data has been sent. */
  #sayFinished(): void {
    if (this.#side.role === "client") this.#sendPacket(Status.ok, nothing, {});
    else if (this.#peerFinished) this.#confirm();
    else this.#sendPacket(Status.continue, rest, new Uint8Array());
  }

  /** A server's last word. */
  #confirm(): void {
    this.#sendPacket(Status.ok, nothing, {});
    this.#end();
  }

  /** Both ends agree that it is over. */
  #end(): void {
    this.#toSend.fail(new StateError("the peer has ended the stream: it takes no more data"));
    this.received.end();
    this.#finished.resolve();
    this.#close();
  }

  #close(): void {
    this.#state = "closed";
    this.#port.onClosed();
  }

  #sendPacket<T>(status: number, codec: Codec<T>, value: T): void {
    this.#port.send(MessageType.stream, status, codec, value);
  }

  get #isReading(): boolean {
    const { role, direction } = this.#side;
    return this.#state === "open" && direction !== (role === "client" ? "upload" : "download");
  }

  #checkWritable(): void {
    const { role, direction } = this.#side;
    if (direction === (role === "client" ? "download" : "upload")) {
      throw new StateError(`the ${role} does not write to this stream: it is for ${direction}`);
    }
    if (this.#peerFinished) throw finishedByPeer();
    if (this.#state !== "open") throw this.#cause ?? new StateError(`the stream is ${this.#state}: it takes no data`);
  }
}

function finishedByPeer(): StateError {
  return new StateError("the client has finished the stream: it takes no more data");
}

function abortedByPeer(): VirError {
  return VirError.of(ErrorCode.operationAborted, ErrorDomain.streams, "the peer has aborted the stream");
}

function toVirError(reason: unknown): VirError {
  if (reason instanceof VirError) return reason;
  const detail = reason instanceof Error ? reason.message : String(reason);
  return VirError.of(ErrorCode.internalError, ErrorDomain.streams, detail, reason);
}
