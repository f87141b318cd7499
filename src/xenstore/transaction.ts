import { Deferred, type Loop, StateError } from "../event/index.ts";
import { joinStrings, splitStrings } from "./body.ts";
import { type CallOptions, shared } from "./call-options.ts";
import type { Request } from "./call-table.ts";
import { XenstoreError } from "./errors.ts";
import { MessageType } from "./message.ts";
import { NodeAccess } from "./node-access.ts";
import { Wait, whyNotBegin } from "./wait.ts";

export interface TransactionOptions extends CallOptions {
  /** How often it is begun when others keep writing what it reads. Default 100. */
  readonly attempts?: number;
}

/** What a transaction needs of its connection. */
export interface TransactionKeeper {
  readonly loop: Loop;
  /** The work under way: whoever closes the connection rejects it. */
  readonly waits: Set<{ reject(reason: unknown): void }>;
  /** Sends a request; transaction 0 is none. */
  call(request: Request, body: Uint8Array, options: CallOptions, transactionId: number): Promise<Uint8Array>;
  /** Gives the transaction up; nobody waits for that. */
  abandon(transactionId: number): void;
}

/** Work within a transaction. It may be done more than once, and is for nothing when it is not done in time. */
export type TransactionWork<T> = (transaction: Transaction) => Promise<T>;

const defaultAttempts = 100;
const outside = 0;

/**
 * The store as one transaction sees it: what others have written since it began is not there, and what it writes nobody
 * else sees before its end. `Xenstore.transaction` makes and ends it.
 *
 *     open -> ended
 *
 * All calls: open; afterwards they reject with StateError.
 */
export class Transaction extends NodeAccess {
  readonly #keeper: TransactionKeeper;
  readonly #id: number;
  #open = true;

  constructor(keeper: TransactionKeeper, id: number) {
    super();
    this.#keeper = keeper;
    this.#id = id;
  }

  /** Makes all of it seen. Rejects with EAGAIN when others have written what it has read. */
  async commit(options: CallOptions): Promise<void> {
    this.#open = false;
    const request = { type: MessageType.transactionEnd, what: "commit a transaction" };
    await this.#keeper.call(request, joinStrings(["T"]), options, this.#id);
  }

  /** Undoes all of it; nothing once it has ended. */
  abandon(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#keeper.abandon(this.#id);
  }

  protected override async request(request: Request, body: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    if (!this.#open) throw new StateError("the transaction has ended: await within it all that belongs to it");
    return this.#keeper.call(request, body, options, this.#id);
  }

  protected override now(): number {
    return this.#keeper.loop.now();
  }
}

/** Does the work and commits, again as long as others come between. */
export async function runTransaction<T>(
  keeper: TransactionKeeper,
  work: TransactionWork<T>,
  { attempts = defaultAttempts, ...options }: TransactionOptions,
): Promise<T> {
  const rest = shared(options, () => keeper.loop.now());
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(keeper, work, rest);
    } catch (error) {
      if (attempt >= attempts || !(error instanceof XenstoreError) || error.errno !== "EAGAIN") throw error;
    }
  }
}

async function runOnce<T>(keeper: TransactionKeeper, work: TransactionWork<T>, rest: () => CallOptions): Promise<T> {
  const idOf = (body: Uint8Array): number => Number(splitStrings(body)[0]);
  const request = {
    type: MessageType.transactionStart,
    what: "begin a transaction",
    onLate: (body: Uint8Array) => keeper.abandon(idOf(body)),
  };
  const transaction = new Transaction(keeper, idOf(await keeper.call(request, joinStrings([""]), rest(), outside)));
  try {
    const value = await inTime(keeper, () => work(transaction), rest());
    await transaction.commit(rest());
    return value;
  } finally {
    transaction.abandon();
  }
}

/** What `work` resolves with, unless time, the signal or the connection ends before. */
async function inTime<T>({ loop, waits }: TransactionKeeper, work: () => Promise<T>, options: CallOptions): Promise<T> {
  const what = "get through a transaction";
  const refusal = whyNotBegin(what, options);
  if (refusal !== undefined) throw refusal.reason;
  const result = new Deferred<T>();
  const wait = new Wait(loop, result, what, options, () => {});
  waits.add(wait);
  work().then(
    (value) => wait.resolve(value),
    (error: unknown) => wait.reject(error),
  );
  try {
    return await result.promise;
  } finally {
    waits.delete(wait);
  }
}
