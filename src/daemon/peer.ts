import type { CallContext, DomainEvent, Driver, Identity } from "../driver/driver.ts";
import type { Loop, Transport } from "../event/index.ts";
import { remote, VirError } from "../protocol/index.ts";
import { Connection, type ConnectionOptions, type IncomingCall, type KeepaliveOptions } from "../rpc/index.ts";
import { decode, struct } from "../xdr/index.ts";
import type { Log } from "./log.ts";
import { eventHandlers, type OwnContext, sessionHandlers } from "./own-procedures.ts";
import { internalError, rpcError } from "./refusal.ts";
import { checkReadOnly, type Route, routeOf, unsupported } from "./route.ts";
import { type AuthPolicy, Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";

export interface PeerOptions {
  readonly drivers: readonly Driver[];
  readonly auth: AuthPolicy;
  /** The socket admits read-only connections alone. */
  readonly readOnly: boolean;
  readonly identity: Identity | undefined;
  readonly connection: ConnectionOptions;
  readonly keepalive: KeepaliveOptions;
  readonly issueCallbackId: () => number;
  readonly log: Log;
  /** Once, when the connection is over. */
  readonly onClose: (cause?: Error) => void;
}

type Handler = (args: unknown, context: unknown) => unknown;
type HandlerTable = Readonly<Record<string, Handler | undefined>>;

/**
 * The daemon's side of one connection. Every call passes the gates here and goes to the daemon's own handlers or to the
 * session's driver; events come back the same way.
 *
 *     open -> ending -> closed
 *
 * end: open -> ending: calls under way are answered, later ones dropped; then, or after `lingerMs`, it closes.
 */
export class Peer {
  readonly #options: PeerOptions;
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #ownContext: OwnContext;
  /** Aborted when nobody waits for answers any more. */
  readonly #gone = new AbortController();

  constructor(loop: Loop, transport: Transport, options: PeerOptions) {
    this.#options = options;
    this.#connection = new Connection(loop, transport, options.connection);
    this.#session = new Session({ ...options, deliver: (subscription, event) => this.#deliver(subscription, event) });
    this.#ownContext = {
      session: this.#session,
      startKeepalive: () => this.#connection.startKeepalive(options.keepalive),
      // The reply is sent when the handler has returned, so that in the next turn it is under way.
      leave: () => loop.post(() => this.end()),
    };
    this.#connection.open({ onCall: (call) => this.#onCall(call), onClose: (cause) => this.#onClose(cause) });
  }

  end(lingerMs?: number): void {
    this.#connection.end(lingerMs);
  }

  #onCall(call: IncomingCall): void {
    let name = `procedure ${call.header.procedure}`;
    try {
      const route = routeOf(call.header);
      name = route.name;
      const result = this.#run(route, call);
      const reply = (value: unknown): void => call.reply<unknown>(route.row?.ret ?? noResult, value);
      if (result instanceof Promise) result.then(reply, (error: unknown) => this.#fail(call, name, error));
      else reply(result);
    } catch (error) {
      this.#fail(call, name, error);
    }
  }

  /** The gates. Their order decides what a client hears when several are closed. */
  #run(route: Route, call: IncomingCall): unknown {
    if (this.#session.state === "new" && route.from !== "new") throw rpcError("authentication required");
    const args = decodeArgs(route, call);
    const opened = route.from === "open" ? this.#session.opened : undefined;
    if (this.#session.readOnly) checkReadOnly(route, args);
    const { owner, name } = route;
    if (owner === "session") return (sessionHandlers as HandlerTable)[name]?.(args, this.#ownContext);
    if (owner === "events") return (eventHandlers as HandlerTable)[name]?.(args, this.#ownContext);
    const procedures = (owner === "driver" ? opened?.driver.procedures : undefined) as HandlerTable | undefined;
    const handler = procedures?.[name];
    if (handler === undefined) throw unsupported(route);
    return handler(args, this.#callContext());
  }

  #callContext(): CallContext {
    const { identity } = this.#options;
    const context = { signal: this.#gone.signal, readOnly: this.#session.readOnly };
    return identity === undefined ? context : { ...context, identity };
  }

  /** What is not a VirError is a fault of ours: it is logged, and the client hears its message as an internal error. */
  #fail(call: IncomingCall, name: string, error: unknown): void {
    if (error instanceof VirError) return call.fail(error);
    const detail = error instanceof Error ? error.message : String(error);
    this.#options.log({ level: "error", message: `${name} failed: ${detail}`, error });
    call.fail(internalError(detail, error));
  }

  #deliver({ callbackId, legacy }: Subscription, event: DomainEvent): void {
    const message = { dom: event.domain, event: event.event, detail: event.detail };
    if (legacy) this.#connection.sendEvent(remote, "domainEventLifecycle", message);
    else this.#connection.sendEvent(remote, "domainEventCallbackLifecycle", { callbackId, msg: message });
  }

  #onClose(cause: Error | undefined): void {
    this.#session.close();
    this.#gone.abort(cause);
    this.#options.onClose(cause);
  }
}

const noResult = struct("ret", {});

function decodeArgs({ row }: Route, call: IncomingCall): unknown {
  if (row === undefined) return {};
  try {
    return decode<unknown>(row.args, call.args);
  } catch (cause) {
    throw rpcError("Unable to decode message payload", cause);
  }
}
