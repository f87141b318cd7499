import { Deferred, OverflowError, StateError } from "../event/index.ts";

/** So many bytes of a stream that are all zero, and that nobody sends. */
export interface Hole {
  readonly hole: bigint;
}

/** What goes through a stream, in order. Bytes that were received are a view of their message. */
export type StreamPart = Uint8Array | Hole;

export function isHole(part: StreamPart): part is Hole {
  return !(part instanceof Uint8Array);
}

/** What a part takes in memory, beside its bytes: many small ones must count too. */
const overhead = 256;

function weightOf(part: StreamPart): number {
  return overhead + (isHole(part) ? 0 : part.length);
}

/**
 * Parts that have come and wait for their reader.
 *
 *     open -> ended
 *
 * push:  open; otherwise the part is dropped.
 * end:   open -> ended: what waits is still read, then the cause is thrown, if there is one.
 * clear: any -> ended: what waits is dropped, and the cause is all that the reader hears.
 */
export class ReceivedParts {
  readonly #onWeight: (change: number) => void;
  #parts: StreamPart[] = [];
  #weight = 0;
  #waiting: Deferred<IteratorResult<StreamPart, undefined>> | undefined;
  #ended = false;
  #cause: unknown;

  /**
   * `onWeight` hears by how many bytes the memory changes that waiting parts take; once ended, they count no more: they
   * can only become fewer.
   */
  constructor(onWeight: (change: number) => void) {
    this.#onWeight = onWeight;
  }

  push(part: StreamPart): void {
    if (this.#ended) return;
    const waiting = this.#takeWaiting();
    if (waiting !== undefined) return waiting.resolve({ done: false, value: part });
    this.#parts.push(part);
    this.#weigh(weightOf(part));
  }

  end(cause?: unknown): void {
    if (this.#ended) return;
    this.#weigh(-this.#weight);
    this.#ended = true;
    this.#cause = cause;
    const waiting = this.#takeWaiting();
    if (waiting !== undefined) this.#tellEnd(waiting);
  }

  clear(cause?: unknown): void {
    this.#parts = [];
    if (this.#ended) this.#cause = cause;
    else this.end(cause);
  }

  /** StateError when the last one has not settled. The cause is thrown once. */
  async next(): Promise<IteratorResult<StreamPart, undefined>> {
    if (this.#waiting !== undefined) throw new StateError("a stream has one reader: wait for the part before");
    const part = this.#parts.shift();
    if (part !== undefined) {
      if (!this.#ended) this.#weigh(-weightOf(part));
      return { done: false, value: part };
    }
    const result = new Deferred<IteratorResult<StreamPart, undefined>>();
    if (this.#ended) this.#tellEnd(result);
    else this.#waiting = result;
    return result.promise;
  }

  #weigh(change: number): void {
    this.#weight += change;
    this.#onWeight(change);
  }

  #takeWaiting(): Deferred<IteratorResult<StreamPart, undefined>> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #tellEnd(reader: Deferred<IteratorResult<StreamPart, undefined>>): void {
    const cause = this.#cause;
    this.#cause = undefined;
    if (cause === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(cause);
  }
}

interface Sending {
  part: StreamPart;
  readonly weight: number;
  readonly sent: Deferred;
}

/** Parts that wait to be sent, and those who wrote them. */
export class PartsToSend {
  readonly #limit: number;
  #queue: Sending[] = [];
  #weight = 0;

  /** `limit` is how many bytes may wait beside one part of any length. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Resolves when the part has been sent; rejects with OverflowError when too much waits already. */
  async add(part: StreamPart): Promise<void> {
    if (this.#weight > this.#limit) {
      throw new OverflowError(`${this.#weight} bytes wait to be sent already: await what was written before`);
    }
    const weight = weightOf(part);
    const sent = new Deferred();
    this.#queue.push({ part, weight, sent });
    this.#weight += weight;
    await sent.promise;
  }

  /** The next part, of at most so many bytes: a longer one is taken piece by piece. */
  take(longest: number): StreamPart | undefined {
    const [first] = this.#queue;
    if (first === undefined) return undefined;
    const { part } = first;
    if (!isHole(part) && part.length > longest) {
      first.part = part.subarray(longest);
      return part.subarray(0, longest);
    }
    this.#queue.shift();
    this.#weight -= first.weight;
    first.sent.resolve();
    return part;
  }

  /** What waits is not sent. */
  fail(cause: unknown): void {
    const failed = this.#queue;
    this.#queue = [];
    this.#weight = 0;
    for (const { sent } of failed) sent.reject(cause);
  }
}
