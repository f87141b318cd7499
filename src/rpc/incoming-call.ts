import type { Header, VirError } from "../protocol/index.ts";
import type { Codec } from "../xdr/index.ts";
import type { Frame } from "./framer.ts";

/** Where answers go. */
export interface AnswerSink {
  reply<T>(header: Header, codec: Codec<T>, value: T): void;
  fail(header: Header, error: VirError): void;
}

/** A call from the peer. It is answered once; a second answer is dropped, and so is one to a peer that has left. */
export class IncomingCall {
  readonly header: Header;
  readonly args: Uint8Array;
  readonly #sink: AnswerSink;
  #answered = false;

  constructor({ header, payload }: Frame, sink: AnswerSink) {
    this.header = header;
    this.args = payload;
    this.#sink = sink;
  }

  get answered(): boolean {
    return this.#answered;
  }

  reply<T>(codec: Codec<T>, value: T): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#sink.reply(this.header, codec, value);
  }

  fail(error: VirError): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#sink.fail(this.header, error);
  }
}
