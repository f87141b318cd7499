import type { Loop } from "../event/index.ts";
import { splitStrings } from "./body.ts";
import type { CallOptions } from "./call-options.ts";
import { XenstoreClosedError, XenstoreError } from "./errors.ts";
import { type Message, MessageType } from "./message.ts";
import { Wait, type Waiter } from "./wait.ts";

/** What is asked of xenstored. */
export interface Request {
  readonly type: MessageType;
  /** For messages: "read /local". */
  readonly what: string;
  /** Hears the answer if it comes after its waiter has gone, to undo what was done for nobody. */
  readonly onLate?: (body: Uint8Array) => void;
}

const idLimit = 2 ** 32;

/**
 * The requests on their way. Each settles exactly once, by what comes first: answer, deadline, abort, close. The id of one
 * that was given up stays taken until its answer comes, which can so not be taken for another's.
 */
export class CallTable {
  readonly #loop: Loop;
  readonly #pending = new Map<number, { readonly request: Request; readonly wait: Wait<Uint8Array> }>();
  readonly #givenUp = new Map<number, Request>();
  #lastId: number;

  /** Ids go around at 2^32. */
  constructor(loop: Loop, lastId = 0) {
    this.#loop = loop;
    this.#lastId = lastId;
  }

  /** Adds a request that is about to be sent, and gives its id; `waiter` hears the body of the answer. */
  add(request: Request, waiter: Waiter<Uint8Array>, options: CallOptions): number {
    const id = this.#nextId();
    const wait = new Wait(this.#loop, waiter, request.what, options, () => {
      this.#pending.delete(id);
      this.#givenUp.set(id, request);
    });
    this.#pending.set(id, { request, wait });
    return id;
  }

  /** Throws XenstoreClosedError when nothing was asked that this could answer. */
  settle({ requestId, type, body }: Message): void {
    const pending = this.#pending.get(requestId);
    const request = pending?.request ?? this.#givenUp.get(requestId);
    if (request === undefined || (type !== request.type && type !== MessageType.error)) {
      throw new XenstoreClosedError(`xenstored answered what was not asked: id ${requestId}, type ${type}`);
    }
    this.#pending.delete(requestId);
    this.#givenUp.delete(requestId);
    if (type === MessageType.error) pending?.wait.reject(errorOf(request, body));
    else if (pending === undefined) request.onLate?.(body);
    else pending.wait.resolve(body);
  }

  /** Nothing will be answered any more. */
  close(cause: Error): void {
    const waits = [...this.#pending.values()].map(({ wait }) => wait);
    this.#pending.clear();
    this.#givenUp.clear();
    for (const wait of waits) wait.reject(cause);
  }

  #nextId(): number {
    do {
      this.#lastId = (this.#lastId + 1) % idLimit;
    } while (this.#lastId === 0 || this.#pending.has(this.#lastId) || this.#givenUp.has(this.#lastId));
    return this.#lastId;
  }
}

function errorOf(request: Request, body: Uint8Array): XenstoreError {
  const errno = splitStrings(body)[0] ?? "EIO";
  return new XenstoreError(errno, `xenstored refused to ${request.what}: ${errno}`);
}
