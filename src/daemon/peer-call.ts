import { closeSync } from "node:fs";
import type { CallContext, Identity, ServeStream } from "../driver/driver.ts";
import {
  allowsReadOnly,
  ErrorCode,
  ErrorDomain,
  type StreamCall,
  type Streaming,
  VirError,
} from "../protocol/index.ts";
import type { IncomingCall, Stream } from "../rpc/index.ts";
import { decode, struct } from "../xdr/index.ts";
import { rpcError } from "./refusal.ts";
import { type Route, routeOf } from "./route.ts";

/**
 * A peer's call, and what its handler learns of it.
 *
 *     under way -> over
 *
 * find, readArgs: under way, in this order, before the handler.
 * passFds:        under way; afterwards they are closed at once.
 * abort:          under way; tells the handler that nobody waits any more. Idempotent.
 * answer, fail:   under way -> over; otherwise nothing.
 */
export class PeerCall implements CallContext {
  readonly readOnly: boolean;
  readonly identity?: Identity;
  deadline?: number;
  admitTags?: NonNullable<CallContext["admitTags"]>;
  /** Called once, when the call is over. */
  onOver: (() => void) | undefined;
  /** When it came, on the loop's clock. */
  begun = 0;
  #isRecorded = false;
  readonly #call: IncomingCall;
  #route: Route | undefined;
  #isRead = false;
  #args: unknown;
  /** Made when somebody asks for the signal: most handlers do not. */
  #abort: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #fds: readonly number[] = [];

  constructor(call: IncomingCall, readOnly: boolean, identity: Identity | undefined) {
    this.#call = call;
    this.readOnly = readOnly;
    if (identity !== undefined) this.identity = identity;
  }

  /** The first time the route; then, and where there is none, nothing. */
  takeRoute(): Route | undefined {
    if (this.#isRecorded || !this.#isRead) return undefined;
    this.#isRecorded = true;
    return this.#route;
  }

  /** For messages. */
  get name(): string {
    return this.#route?.name ?? `procedure ${this.#call.header.procedure}`;
  }

  get serial(): number {
    return this.#call.header.serial;
  }

  /** Its handler has been told that nobody waits any more. */
  get isGivenUp(): boolean {
    return this.#aborted !== undefined;
  }

  /** It changes nothing. */
  get isReading(): boolean {
    return this.#route !== undefined && allowsReadOnly(this.#route.rule, this.#args);
  }

  /** Throws VirError (invalidArg) when what the call comes to is of use on this connection alone. */
  checkRepeatable(key: string): void {
    const reason = whyOnce(this.#route);
    if (reason === undefined) return;
    const detail = `the key '${key}' is for a call that ${reason}: such calls cannot be repeated`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.rpc, detail);
  }

  /** Once they are read. */
  get args(): unknown {
    return this.#args;
  }

  /** Whether it made sense: route and arguments were found. */
  get isRead(): boolean {
    return this.#isRead;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#aborted !== undefined) this.#abort.abort(this.#aborted.reason);
    return this.#abort.signal;
  }

  /** Throws libvirt's error when there is no such call. */
  find(): Route {
    this.#route = routeOf(this.#call.header);
    return this.#route;
  }

  readArgs(): unknown {
    const row = this.#route?.row;
    try {
      this.#args = row === undefined ? {} : decode<unknown>(row.args, this.#call.args);
    } catch (cause) {
      throw rpcError("Unable to decode message payload", cause);
    }
    this.#isRead = true;
    return this.#args;
  }

  takeFds(): readonly number[] {
    return this.#call.takeFds();
  }

  passFds(fds: readonly number[]): void {
    if (this.#call.answered) closeAll(fds);
    else this.#fds = [...this.#fds, ...fds];
  }

  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#abort?.abort(reason);
  }

  /** Replies. A call that opens a stream gives it, and who is to serve it; unless nobody waits for it any more. */
  answer(value: unknown): { readonly stream: Stream; readonly serve: ServeStream } | undefined {
    const row = this.#route?.row;
    try {
      if (row?.stream === undefined) this.#call.reply<unknown>(row?.ret ?? noResult, value, this.#fds);
      else if (!this.#call.answered) {
        const { ret, serve } = value as Streaming<unknown, ServeStream>;
        return { stream: this.#call.openStream(row as StreamCall, this.#args, ret), serve };
      }
      return undefined;
    } finally {
      this.#end();
    }
  }

  fail(error: VirError): void {
    this.#call.fail(error);
    this.#end();
  }

  #end(): void {
    closeAll(this.#fds);
    this.#fds = [];
    this.onOver?.();
    this.onOver = undefined;
  }
}

const noResult = struct("ret", {});

function whyOnce(route: Route | undefined): string | undefined {
  if (route?.row?.stream !== undefined) return "opens a stream";
  if (route?.row?.fds !== undefined) return "passes descriptors";
  return route?.owner === "hypervisor" ? undefined : "is about this connection";
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}
