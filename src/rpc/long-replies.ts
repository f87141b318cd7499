import type { Breather } from "../event/index.ts";
import type { Outbox } from "./outbox.ts";

/** A reply under encoding: its pieces in the end. */
export interface LongReply {
  readonly encoding: Iterator<void, readonly Uint8Array[]>;
  /** Once, when it has been sent, or with what was wrong; never when the connection closes before. */
  readonly onEnd: (error?: unknown) => void;
}

export interface LongRepliesOptions {
  readonly outbox: Outbox;
  readonly breather: Breather;
  /** Whether the peer reads its replies too slowly for more of them. */
  readonly isCongested: () => boolean;
}

/**
 * The replies of a connection that are too long to be encoded in one stretch: one after the other, so that no more than
 * one of them takes memory in whole.
 *
 *     open -> closed
 *
 * add:   open; queues a reply.
 * pump:  open; goes on when the peer has read.
 * close: open -> closed; what waits is dropped.
 */
export class LongReplies {
  readonly #options: LongRepliesOptions;
  #waiting: LongReply[] = [];
  /** The first of them is. */
  #encoding = false;
  #closed = false;

  constructor(options: LongRepliesOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  add(reply: LongReply): void {
    this.#waiting.push(reply);
    this.pump();
  }

  pump(): void {
    const [reply] = this.#waiting;
    if (reply === undefined || this.#encoding || this.#options.isCongested()) return;
    this.#encoding = true;
    this.#encode(reply).then(
      (pieces) => this.#end(reply, pieces),
      (error: unknown) => this.#end(reply, [], error),
    );
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  async #encode({ encoding }: LongReply): Promise<readonly Uint8Array[]> {
    for (;;) {
      await this.#options.breather.breathe();
      if (this.#closed) return [];
      const step = encoding.next();
      if (step.done === true) return step.value;
    }
  }

  #end(reply: LongReply, pieces: readonly Uint8Array[], error?: unknown): void {
    if (this.#closed) return;
    this.#encoding = false;
    this.#waiting.shift();
    if (error === undefined) this.#options.outbox.addPieces(pieces);
    reply.onEnd(error);
    this.pump();
  }
}
