import type { Loop } from "../event/index.ts";
import { ErrorCode, ErrorDomain, type Header, VirError } from "../protocol/index.ts";
import type { Codec } from "../xdr/index.ts";
import type { Frame } from "./framer.ts";
import { Stream } from "./stream.ts";
import { type PacketType, StreamEnd, type StreamSide } from "./stream-end.ts";

export interface StreamTableOptions {
  readonly loop: Loop;
  /** Streams at once. */
  readonly limit: number;
  /** Bytes that may wait for their reader, of one stream and of all. */
  readonly unread: { readonly ofOne: number; readonly ofAll: number };
  readonly send: <T>(header: Header, codec: Codec<T>, value: T) => void;
  /** Whether so much waits for the peer that data must wait too: calls and events are not to queue behind it. */
  readonly isCongested: () => boolean;
  /** Whether reading is to stop, because a reader stays away. Heard only when it changes. */
  readonly onFull: (full: boolean) => void;
}

/** Data handed over in one turn; the rest, and what is made of it on the spot, leaves others their turn in between. */
const turnShare = 1_048_576;

/**
 * The streams of a connection, by the call that opened them. Packets for one that is not here are ignored: they were
 * under way when it ended.
 *
 *     open -> closed
 *
 * open:     open; VirError when there are too many, or this one is here already. Later the stream is closed from the start.
 * pump:     sends data as far as the peer takes it, a packet of each stream in turn; after something was written, and
 *           when the peer has read.
 * abortAll: any -> closed; the peer is told. failAll: any -> closed; it is not.
 */
export class StreamTable {
  readonly #options: StreamTableOptions;
  readonly #streams = new Map<string, { readonly serial: number; readonly end: StreamEnd }>();
  /** Those with data to send; the first is the next. */
  readonly #ready = new Set<StreamEnd>();
  #share = turnShare;
  #refilling = false;
  /** Those whose reader is too far behind. */
  readonly #behind = new Set<Gauge>();
  readonly #unread: Gauge;
  #full = false;
  /** Ends a stream that is opened too late. */
  #refuse: ((end: StreamEnd) => void) | undefined;

  constructor(options: StreamTableOptions) {
    this.#options = options;
    this.#unread = new Gauge(options.unread.ofAll);
  }

  hasSerial(serial: number): boolean {
    for (const stream of this.#streams.values()) if (stream.serial === serial) return true;
    return false;
  }

  /** Throws the VirError that `open` would throw. */
  check(header: Header): void {
    const { limit } = this.#options;
    if (this.#streams.size >= limit) throw busy(`${limit} streams are open on this connection: end one first`);
    if (this.#streams.has(keyOf(header))) throw busy(`serial ${header.serial} has a stream already`);
  }

  /** The stream that the call with this header opens. */
  open(header: Header, side: StreamSide): Stream {
    this.check(header);
    const gauge = new Gauge(this.#options.unread.ofOne);
    const key = keyOf(header);
    const end: StreamEnd = new StreamEnd(side, {
      send: (type, status, codec, value) => this.#send({ ...header, type, status }, codec, value),
      onReady: () => {
        this.#ready.add(end);
        this.pump();
      },
      onWeight: (change) => this.#onWeight(gauge, change),
      onClosed: () => {
        this.#ready.delete(end);
        this.#streams.delete(key);
      },
    });
    this.#streams.set(key, { serial: header.serial, end });
    this.#refuse?.(end);
    return new Stream(this.#options.loop, end);
  }

  receive(frame: Frame): void {
    this.#streams.get(keyOf(frame.header))?.end.receive(frame);
  }

  pump(): void {
    if (this.#ready.size === 0) return;
    while (this.#share > 0 && !this.#options.isCongested()) {
      const [end] = this.#ready;
      if (end === undefined) break;
      this.#ready.delete(end);
      this.#share -= end.sendNext();
      if (end.isReady) this.#ready.add(end);
    }
    if (this.#share < turnShare && !this.#refilling) {
      this.#refilling = this.#options.loop.post(() => this.#refill());
    }
  }

  abortAll(reason: VirError): void {
    this.#endAll((end) => end.abort(reason));
  }

  failAll(cause: VirError): void {
    this.#endAll((end) => end.fail(cause));
  }

  #endAll(refuse: (end: StreamEnd) => void): void {
    this.#refuse = refuse;
    for (const { end } of this.#streams.values()) refuse(end);
  }

  #send<T>(header: Header & { readonly type: PacketType }, codec: Codec<T>, value: T): void {
    this.#options.send(header, codec, value);
  }

  #refill(): void {
    this.#refilling = false;
    this.#share = turnShare;
    this.pump();
  }

  #onWeight(gauge: Gauge, change: number): void {
    gauge.change(change);
    this.#unread.change(change);
    if (gauge.isHigh) this.#behind.add(gauge);
    else this.#behind.delete(gauge);
    const full = this.#behind.size > 0 || this.#unread.isHigh;
    if (full === this.#full) return;
    this.#full = full;
    this.#options.onFull(full);
  }
}

/** High from above its limit until it has fallen to a half: so that what it stops does not start for every byte. */
class Gauge {
  readonly #limit: number;
  #level = 0;
  #high = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isHigh(): boolean {
    return this.#high;
  }

  change(by: number): void {
    this.#level += by;
    this.#high = this.#level > (this.#high ? this.#limit / 2 : this.#limit);
  }
}

function keyOf({ program, procedure, serial }: Header): string {
  return `${program} ${procedure} ${serial}`;
}

function busy(detail: string): VirError {
  return VirError.of(ErrorCode.resourceBusy, ErrorDomain.streams, detail);
}
