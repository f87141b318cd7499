import { type Handle, type Loop, StateError } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import type { CallOptions } from "./call-options.ts";
import { checkLimit, limitWait } from "./deadline.ts";
import type { StreamEnd } from "./stream-end.ts";
import { isHole, type StreamPart } from "./stream-part.ts";

/**
 * Data beside the calls of a connection, in order, to be read and written: what a call like `storageVolDownload` opens.
 *
 *     open -> finishing -> closed
 *     open, finishing -> closed      (an abort by either end, or the end of the connection)
 *
 * write, writeHole: open; otherwise they reject, with the reason if there is one. They resolve when there is room for
 *   more: await each before the next.
 * iteration: any. It ends with the peer's data (of a client that writes: with its finishing), and throws when the stream
 *   fails before that.
 * finish: open -> finishing. A client's resolves when the server has confirmed that all was received and done; a
 *   server's when the client has said that it is satisfied, or at once when the client has finished first. Data that
 *   still comes is dropped.
 * abort:  any -> closed; idempotent. The peer is told; the reason is what everybody here hears who waits.
 *
 * A reader that stays away stops its connection from reading, replies among it, once too much waits: read, finish or
 * abort every stream. Leaving the iteration early aborts a stream that is for one direction only.
 */
export class Stream implements AsyncIterable<Uint8Array>, Handle {
  readonly #loop: Loop;
  readonly #end: StreamEnd;

  constructor(loop: Loop, end: StreamEnd) {
    this.#loop = loop;
    this.#end = end;
  }

  get state(): "open" | "finishing" | "closed" {
    return this.#end.state;
  }

  /** The bytes must stay as they are until the promise has settled. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#end.put(bytes);
  }

  /** Stands for so many bytes of zeros. StateError unless the call that opened the stream has allowed it by its flags. */
  writeHole(length: bigint): Promise<void> {
    return this.#end.put({ hole: length });
  }

  /** Rejects with the peer's VirError, or with the reason of the end. Giving the wait up aborts the stream. */
  async finish(options: Pick<CallOptions, "signal" | "timeoutMs"> = {}): Promise<void> {
    if (options.signal?.aborted === true) this.abort(options.signal.reason);
    checkLimit(options);
    this.#end.finish();
    const release = limitWait(this.#loop, "the end of a stream", options, (reason) => this.abort(reason));
    try {
      await this.#end.finished.promise;
    } finally {
      release();
    }
  }

  abort(
    reason: unknown = VirError.of(ErrorCode.operationAborted, ErrorDomain.streams, "the stream was aborted"),
  ): void {
    this.#end.abort(reason);
  }

  /** For streams that may have holes. One reader at a time. */
  parts(): AsyncIterableIterator<StreamPart, undefined> {
    return this.#iterate((part) => part);
  }

  /** For streams without holes: one is a StateError. One reader at a time. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, undefined> {
    return this.#iterate((part) => {
      if (!isHole(part)) return part;
      throw new StateError("the stream has holes: read it by parts()");
    });
  }

  /** Aborts what has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }

  #iterate<T>(convert: (part: StreamPart) => T): AsyncIterableIterator<T, undefined> {
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: async () => {
        const result = await this.#end.received.next();
        return result.done === true ? result : { done: false, value: convert(result.value) };
      },
      return: async () => {
        if (this.#end.direction !== "both") this.abort();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}
