import { Deferred, type Loop, Nexus, StateError, type Token, type Transport } from "../event/index.ts";
import { joinStrings, splitStrings } from "./body.ts";
import type { CallOptions } from "./call-options.ts";
import { CallTable, type Request } from "./call-table.ts";
import { XenstoreClosedError, XenstoreError } from "./errors.ts";
import { bodyLimit, encodeMessage, type Message, MessageType } from "./message.ts";
import { MessageSplitter } from "./message-splitter.ts";
import { NodeAccess } from "./node-access.ts";
import { StoreWatch, type StoreWatchCallback } from "./store-watch.ts";
import {
  runTransaction,
  type TransactionKeeper,
  type TransactionOptions,
  type TransactionWork,
} from "./transaction.ts";
import { type Waiter, whyNotBegin } from "./wait.ts";

/** Watched as a path, fires when a domain has come and can use the store. */
export const introduceDomain = "@introduceDomain";
/** Watched as a path, fires when a domain has gone, or has ended by itself and is still there: look which. */
export const releaseDomain = "@releaseDomain";

export interface XenstoreOptions {
  /** Once and last, whoever ended the connection; no call is pending and no watch left. May come within `close`. */
  readonly onClose?: (cause: Error) => void;
}

const noTransaction = 0;
const nobody: Waiter<Uint8Array> = { resolve() {}, reject() {} };

/**
 * A connection to xenstored, the store that Xen's tools and guests share.
 *
 *     idle -> open -> closed
 *
 * open:  idle -> open. There is no greeting: calls may follow at once.
 * calls: open. They may overlap; each settles exactly once, by what comes first: answer, deadline, abort, close.
 * watch: open.
 * close: any -> closed; idempotent. What is pending fails at once, watches end, and nothing is sent any more.
 */
export class Xenstore extends NodeAccess {
  readonly #loop: Loop;
  readonly #transport: Transport;
  readonly #options: XenstoreOptions;
  readonly #messages = new MessageSplitter();
  readonly #calls: CallTable;
  readonly #nexus = new Nexus<StoreWatch>();
  /** The watches that are not closed yet. */
  readonly #watches = new Map<StoreWatch, Token>();
  readonly #transactions: TransactionKeeper;
  #state: "idle" | "open" | "closed" = "idle";
  #cause: Error | undefined;

  constructor(loop: Loop, transport: Transport, options: XenstoreOptions = {}) {
    super();
    this.#loop = loop;
    this.#transport = transport;
    this.#options = options;
    this.#calls = new CallTable(loop);
    this.#transactions = {
      loop,
      waits: new Set(),
      call: (...call) => this.#call(...call),
      abandon: (id) => {
        const request = { type: MessageType.transactionEnd, what: "abandon a transaction" };
        this.#send(request, joinStrings(["F"]), { timeoutMs: Infinity }, id, nobody);
      },
    };
  }

  get state(): "idle" | "open" | "closed" {
    return this.#state;
  }

  open(): void {
    if (this.#state !== "idle") throw new StateError(`the connection is ${this.#state}: it can be opened once`);
    this.#state = "open";
    this.#transport.open({
      onData: (bytes) => this.#receive(bytes),
      onClose: (cause) => this.close(new XenstoreClosedError("xenstored closed the connection", { cause })),
    });
  }

  /** The path of a domain's own part of the store, whether the domain is there or not. */
  getDomainPath(domain: number, options: CallOptions = {}): Promise<string> {
    return this.#ask(MessageType.getDomainPath, `tell the path of domain ${domain}`, domain, options);
  }

  /** Whether a domain is there and can use the store. */
  async isDomainIntroduced(domain: number, options: CallOptions = {}): Promise<boolean> {
    const what = `tell whether domain ${domain} is there`;
    return (await this.#ask(MessageType.isDomainIntroduced, what, domain, options)) === "T";
  }

  /**
   * Does `work` in a transaction and commits it: others see all of it or nothing. When others have meanwhile written what
   * it has read, it is done again; when it throws, or time or the signal ends it, nothing of it is done. After a deadline
   * or an abort during the commit itself nobody knows.
   */
  transaction<T>(work: TransactionWork<T>, options: TransactionOptions = {}): Promise<T> {
    return runTransaction(this.#transactions, work, options);
  }

  /**
   * Watches a node and all below it, or `introduceDomain` or `releaseDomain`. The options are for xenstored's consent,
   * which `added` waits for; without it the watch ends.
   */
  watch(path: string, callback: StoreWatchCallback, options: CallOptions = {}): StoreWatch {
    if (this.#state !== "open") throw this.#whyNotOpen();
    const watch = new StoreWatch({ loop: this.#loop, withdraw: (which) => this.#unwatch(which) }, path, callback);
    const token = this.#nexus.issue(watch);
    this.#watches.set(watch, token);
    const waiter = { resolve: () => watch.accept(), reject: (error: unknown) => this.#refused(watch, error) };
    const request = { type: MessageType.watch, what: `watch ${path}` };
    this.#sendStrings(request, [path, String(token)], options, waiter);
    return watch;
  }

  close(cause: Error = new XenstoreClosedError("the connection was closed")): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#cause = cause;
    this.#transport.close();
    // The watches first: none may be told that it was refused.
    for (const [watch, token] of this.#watches) {
      this.#nexus.retire(token);
      watch.fail(cause);
      this.#forget(watch);
    }
    this.#calls.close(cause);
    for (const wait of this.#transactions.waits) wait.reject(cause);
    this.#tell(() => this.#options.onClose?.(cause));
  }

  protected override request(request: Request, body: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    return this.#call(request, body, options, noTransaction);
  }

  protected override now(): number {
    return this.#loop.now();
  }

  async #ask(type: MessageType, what: string, domain: number, options: CallOptions): Promise<string> {
    return splitStrings(await this.request({ type, what }, joinStrings([String(domain)]), options))[0] ?? "";
  }

  #call(request: Request, body: Uint8Array, options: CallOptions, transactionId: number): Promise<Uint8Array> {
    const answer = new Deferred<Uint8Array>();
    this.#send(request, body, options, transactionId, answer);
    return answer.promise;
  }

  /** What can not be put into strings is refused like what xenstored refuses. */
  #sendStrings(request: Request, strings: readonly string[], options: CallOptions, waiter: Waiter<Uint8Array>): void {
    let body: Uint8Array;
    try {
      body = joinStrings(strings);
    } catch (error) {
      return waiter.reject(error);
    }
    this.#send(request, body, options, noTransaction, waiter);
  }

  #send(
    request: Request,
    body: Uint8Array,
    options: CallOptions,
    transactionId: number,
    waiter: Waiter<Uint8Array>,
  ): void {
    const refusal = this.#whyNotSend(request, body, options);
    if (refusal !== undefined) return waiter.reject(refusal.reason);
    const requestId = this.#calls.add(request, waiter, options);
    this.#transport.send(encodeMessage({ type: request.type, requestId, transactionId, body }));
  }

  #whyNotSend({ what }: Request, body: Uint8Array, options: CallOptions): { reason: unknown } | undefined {
    if (this.#state !== "open") return { reason: this.#whyNotOpen() };
    if (body.length > bodyLimit) {
      const size = `${body.length} bytes are more than the ${bodyLimit} of one message`;
      return { reason: new XenstoreError("E2BIG", `xenstored can not ${what}: ${size}`) };
    }
    return whyNotBegin(what, options);
  }

  #whyNotOpen(): Error {
    return this.#cause ?? new StateError("the connection is not open yet: open it first");
  }

  #refused(watch: StoreWatch, error: unknown): void {
    if (!watch.fail(error)) return;
    // Without an answer it may be there all the same, now or later: what is sent next is done after it.
    this.#unwatch(watch);
  }

  #unwatch(watch: StoreWatch): void {
    const token = this.#watches.get(watch);
    if (token === undefined) return;
    this.#nexus.retire(token);
    const done = (): void => this.#forget(watch);
    const request = { type: MessageType.unwatch, what: `end the watch on ${watch.path}` };
    // Once refused it is not there: the answer is ENOENT, and as good.
    this.#sendStrings(request, [watch.path, String(token)], { timeoutMs: Infinity }, { resolve: done, reject: done });
  }

  #forget(watch: StoreWatch): void {
    if (this.#watches.delete(watch)) watch.finish();
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const message of this.#messages.push(bytes)) {
        // A callback may close the connection between two messages.
        if (this.#state === "closed") return;
        if (message.type === MessageType.watchEvent) this.#fire(message);
        else this.#calls.settle(message);
      }
    } catch (error) {
      if (!(error instanceof XenstoreClosedError)) throw error;
      this.close(error);
    }
  }

  #fire({ body }: Message): void {
    const [path = "", token] = splitStrings(body);
    const watch = this.#nexus.resolve(Number(token));
    if (watch !== undefined) this.#tell(() => watch.enter(path));
  }

  /** The loop reports what a callback throws; the messages behind are read all the same. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#loop.post(() => {
        throw error;
      });
    }
  }
}
