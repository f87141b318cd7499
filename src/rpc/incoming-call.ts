import { StateError } from "../event/index.ts";
import { type Header, holesAllowed, type StreamCall, type VirError } from "../protocol/index.ts";
import type { Codec } from "../xdr/index.ts";
import type { Frame } from "./framer.ts";
import type { Stream } from "./stream.ts";
import type { StreamSide } from "./stream-end.ts";

/** Where answers go, and descriptors that nobody wants. */
export interface AnswerSink {
  reply<T>(header: Header, codec: Codec<T>, value: T, fds: readonly number[]): void;
  fail(header: Header, error: VirError): void;
  openStream<T>(header: Header, codec: Codec<T>, value: T, side: StreamSide): Stream;
  takeFds(fds: readonly number[]): void;
  releaseFds(fds: readonly number[]): void;
}

/**
 * A call from the peer. It is answered once; a second answer is dropped, and so is one to a peer that has left.
 *
 *     under way -> answered
 *
 * takeFds: under way; what was not taken when the call is answered is closed.
 * reply, fail: under way -> answered. openStream: under way -> answered; later StateError.
 * drop: under way -> answered, without an answer.
 */
export class IncomingCall {
  readonly header: Header;
  readonly args: Uint8Array;
  readonly #sink: AnswerSink;
  #fds: readonly number[];
  #answered = false;

  constructor({ header, payload, fds }: Frame, sink: AnswerSink) {
    this.header = header;
    this.args = payload;
    this.#fds = fds;
    this.#sink = sink;
  }

  get answered(): boolean {
    return this.#answered;
  }

  /** How many descriptors were passed with the call and not taken yet; it may have announced others. */
  get fdCount(): number {
    return this.#fds.length;
  }

  /** The descriptors that were passed with the call, from here on the caller's to close. A second time there are none. */
  takeFds(): readonly number[] {
    const fds = this.#fds;
    this.#fds = [];
    this.#sink.takeFds(fds);
    return fds;
  }

  /** `fds` are passed along, and stay the caller's. */
  reply<T>(codec: Codec<T>, value: T, fds: readonly number[] = []): void {
    if (this.#end()) this.#sink.reply(this.header, codec, value, fds);
  }

  fail(error: VirError): void {
    if (this.#end()) this.#sink.fail(this.header, error);
  }

  /**
   * Replies and opens the stream that `row` speaks of. Throws the VirError with which the call has failed when there are
   * too many, and ProtocolError when `ret` does not fit its type.
   */
  openStream(row: StreamCall, args: unknown, ret: unknown): Stream {
    if (!this.#end()) throw new StateError("the call is answered already: its stream cannot be opened");
    const { direction } = row.stream;
    const side = { role: "server", direction, holes: holesAllowed(row, args) } as const;
    return this.#sink.openStream<unknown>(this.header, row.ret, ret, side);
  }

  drop(): void {
    this.#end();
  }

  /** False when it has ended before. */
  #end(): boolean {
    if (this.#answered) return false;
    this.#answered = true;
    this.#sink.releaseFds(this.#fds);
    this.#fds = [];
    return true;
  }
}
