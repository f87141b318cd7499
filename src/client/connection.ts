import { Deferred, StateError } from "../event/index.ts";
import { type DomainEventName, type ObjectKind, qemu, type Domain as WireDomain } from "../protocol/index.ts";
import type { ConnectionOptions, Connector } from "./connection-options.ts";
import { domainEventSource } from "./domain-events.ts";
import type {
  EventfulKind,
  EventNames,
  EventOptions,
  EventsOf,
  Gap,
  Gapping,
  ObjectEventNames,
  ObjectEventsOf,
} from "./event-types.ts";
import type { ExtensionName } from "./extensions.ts";
import { type MethodCall, methodCall, send } from "./invoke.ts";
import type { CallOptions, Methods } from "./method-types.ts";
import { fitting } from "./misfit.ts";
import { type BesideCall, type MonitorEvent, type MonitorEventOptions, monitorEventSource } from "./monitor.ts";
import { objectEventSource } from "./object-events.ts";
import { addMethods, type Domain, objectOf } from "./objects.ts";
import { limited, pause, type WaitLimits, waitAtMost } from "./patience.ts";
import type { RowName } from "./rows.ts";
import { endingMs, Session } from "./session.ts";
import { type SessionOwner, Subscription } from "./subscription.ts";
import { gaveUp, lost, tooLate } from "./unreached.ts";
import type { Reading, Wrap } from "./values.ts";

/** Pauses between attempts to open again, in ms; the last one counts for all that follow. */
const pauses = [0, 100, 200, 500, 1_000, 2_000];

/**
 * A session with a hypervisor.
 *
 *     open -> lost -> open       (opened again, where somebody has asked for that)
 *     open, lost -> closed
 *
 * The methods are the rows of libvirt's protocol that are about no object in particular (`getHostname`, `nodeGetInfo`,
 * `listAllDomains`, `domainDefineXml`, ...). Calls may be made without waiting for each other; they go out in that order.
 *
 * call:  open, or lost where `reconnect` was asked for; else it rejects with the cause.
 * close: any -> closed; calls that wait reject, subscriptions end.
 */
export interface Connection extends OpenConnection, Methods<"connection"> {}

export const Connection = {
  /** Rejects with VirError, or with what is in the way of reaching the server; nothing is left then. */
  open: (connector: Connector, options?: ConnectionOptions): Promise<Connection> =>
    OpenConnection.open(connector, options),
};

/** What a connection has beside its rows. */
class OpenConnection implements AsyncDisposable, SessionOwner {
  readonly #connector: Connector;
  readonly #options: ConnectionOptions;
  readonly #wrap: Wrap = (kind, value) => objectOf(this.#whole(), kind, value);
  readonly #closing = new AbortController();
  readonly #lostListeners = new Set<{ readonly session: Session; readonly listener: (cause: unknown) => void }>();
  readonly #closed = new Deferred();
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #state: "open" | "lost" | "closed" = "open";
  #cause: unknown;

  private constructor(connector: Connector, options: ConnectionOptions) {
    this.#connector = connector;
    this.#options = options;
  }

  static async open(connector: Connector, options: ConnectionOptions = {}): Promise<Connection> {
    const connection = new OpenConnection(connector, options);
    try {
      options.signal?.throwIfAborted();
      const { openTimeoutMs = 30_000 } = options;
      connection.#session = await connection.#openSession(openTimeoutMs, options.signal);
      return connection.#whole();
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** With the rows, which `addMethods` has added to all of us. */
  #whole(): Connection {
    return this as unknown as Connection;
  }

  get state(): "open" | "lost" | "closed" {
    return this.#state;
  }

  /** What it was opened by; what the server calls itself is another thing, and `getUri` asks it. */
  get uri(): string | undefined {
    return this.#connector.uri;
  }

  /** What the server promises beyond libvirt's wire. Without a live session: nothing. */
  has(extension: ExtensionName): boolean {
    return this.#session?.extensions.has(extension) ?? false;
  }

  /** What happens to domains, from `ready` on; of all kinds unless some are named. */
  events<N extends DomainEventName = DomainEventName>(
    names: EventNames<N> | undefined,
    options: EventOptions & Gapping,
  ): Subscription<EventsOf<N, true>>;
  events<N extends DomainEventName = DomainEventName>(
    names?: EventNames<N>,
    options?: EventOptions,
  ): Subscription<EventsOf<N, false>>;
  events(names?: EventNames<DomainEventName>, options: EventOptions = {}): unknown {
    return this.domainEvents(names, options, undefined);
  }

  /** What happens to networks, pools, devices of the host or secrets. */
  eventsOf<K extends EventfulKind, N extends ObjectEventNames<K> = ObjectEventNames<K>>(
    kind: K,
    names: EventNames<N> | undefined,
    options: EventOptions & Gapping,
  ): Subscription<ObjectEventsOf<K, N> | Gap>;
  eventsOf<K extends EventfulKind, N extends ObjectEventNames<K> = ObjectEventNames<K>>(
    kind: K,
    names?: EventNames<N>,
    options?: EventOptions,
  ): Subscription<ObjectEventsOf<K, N>>;
  eventsOf(kind: ObjectKind, names?: EventNames<string>, options: EventOptions = {}): unknown {
    return this.objectEvents(kind, names, options, undefined);
  }

  /** The objects' own way to `events`. */
  domainEvents(
    names: EventNames<DomainEventName> | undefined,
    options: EventOptions,
    dom: WireDomain | undefined,
  ): Subscription<unknown> {
    const source = domainEventSource({ ...options, names: listOf(names), dom, wrap: this.#wrap });
    return new Subscription<unknown>(this, source, options);
  }

  /** The objects' own way to `eventsOf`. */
  objectEvents(
    kind: ObjectKind,
    names: EventNames<string> | undefined,
    options: EventOptions,
    object: object | undefined,
  ): Subscription<unknown> {
    return new Subscription<unknown>(this, objectEventSource(kind, listOf(names), object, this.#wrap), options);
  }

  /** What the monitors of guests' QEMUs tell, from `ready` on, by QMP's names: one, those that match, or all. */
  monitorEvents(
    which: string | RegExp | undefined,
    options: MonitorEventOptions & { readonly reconnect: true },
  ): Subscription<MonitorEvent | Gap>;
  monitorEvents(which?: string | RegExp, options?: MonitorEventOptions): Subscription<MonitorEvent>;
  monitorEvents(which?: string | RegExp, options: MonitorEventOptions = {}): unknown {
    return this.monitorEventsOf(which, options, undefined);
  }

  /** The objects' own way to `monitorEvents`. */
  monitorEventsOf(
    which: string | RegExp | undefined,
    options: MonitorEventOptions,
    dom: WireDomain | undefined,
  ): Subscription<unknown> {
    return new Subscription<unknown>(this, monitorEventSource(which, dom, this.#wrap), options);
  }

  /** The domains' own way to the programs beside the main one. */
  async invokeBeside(...[program, name, args, given]: Parameters<BesideCall>): ReturnType<BesideCall> {
    const { timeoutMs = this.#options.timeoutMs } = given;
    const whole = { ...given, ...(timeoutMs !== undefined && { timeoutMs }) };
    const { session, options } = await this.#reached(name, whole);
    const call = () => session.extensions.run(options, (wire) => session.callBeside(program, name, args, wire));
    const row = program.procedures[name];
    return row?.kind === "call"
      ? fitting(name, row.args.fields, args as Readonly<Record<string, unknown>>, call)
      : call();
  }

  /** Has QEMU's driver take over a process that somebody else has started. */
  async attachQemu(pidValue: number, options: CallOptions = {}): Promise<Domain> {
    const { dom } = (await this.invokeBeside(qemu, "domainAttach", { pidValue, flags: 0 }, options)) as { dom: object };
    return objectOf(this.#whole(), "domain", dom as Readonly<Record<string, unknown>>);
  }

  /** The domain of that name; rejects with VirError noDomain. */
  domain(name: string, options?: CallOptions): Promise<Domain> {
    return this.invoke("domainLookupByName", undefined, [name, options]) as Promise<Domain>;
  }

  /** All domains, or those that `flags` choose. */
  domains(options?: Parameters<Methods<"connection">["listAllDomains"]>[0]): Promise<readonly Domain[]> {
    return this.invoke("connectListAllDomains", undefined, [options]) as Promise<readonly Domain[]>;
  }

  /** The methods' one door: a row, whose it is, what the caller has given, and what he hears of the reply if not as usual. */
  async invoke(row: string, self: object | undefined, given: readonly unknown[], answer?: Reading): Promise<unknown> {
    const call = methodCall(row as RowName, self, given, this.#options.timeoutMs);
    const session = this.#session;
    const reply = await (session === undefined ? this.#sendLater(call) : send(session, call));
    return (answer ?? call.answer)(reply, this.#wrap);
  }

  /** The open session. `wait`: a lost one is opened again, as for everybody where `reconnect` was asked for. For subscriptions. */
  async session(wait: boolean, limits: WaitLimits, what = "opening the connection again"): Promise<Session> {
    limits.signal?.throwIfAborted();
    if (this.#state === "closed") throw new StateError("the connection is closed");
    if (this.#session !== undefined) return this.#session;
    if (!wait && this.#options.reconnect !== true && this.#opening === undefined) throw this.#cause;
    return limited(this.#connector.loop, what, limits, this.#reopen());
  }

  async #sendLater(call: MethodCall): Promise<unknown> {
    const { session, options } = await this.#reached(call.plan.name, call.options);
    return send(session, { ...call, options });
  }

  /** The session for a call, and what is left of the call's time: waiting for one that is opened again is a part of it. */
  async #reached<O extends WaitLimits>(what: string, options: O): Promise<{ session: Session; options: O }> {
    const { loop } = this.#connector;
    const since = loop.now();
    const session = await this.session(false, options, what);
    const { timeoutMs } = options;
    if (timeoutMs === undefined) return { session, options };
    return { session, options: { ...options, timeoutMs: Math.max(0, timeoutMs - (loop.now() - since)) } };
  }

  /** Aborted by `close`. For subscriptions. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Tells when a session is over. For subscriptions. */
  onLost(session: Session, listener: (cause: unknown) => void): () => void {
    const entry = { session, listener };
    this.#lostListeners.add(entry);
    return () => this.#lostListeners.delete(entry);
  }

  /** Waits for what the server has to say, but not for long: to the end of a subscription, unless `ms` says otherwise. */
  waitBriefly(waits: readonly Promise<unknown>[], ms = endingMs): Promise<void> {
    return waitAtMost(this.#connector.loop, ms, waits);
  }

  /**
   * Ends the connection, and everything that hangs on it. What ends subscriptions and is under way is answered before, or
   * has had its time. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#state !== "closed") {
      this.#state = "closed";
      const reason = new StateError("the connection was closed");
      this.#closing.abort(reason);
      const session = this.#session;
      this.#session = undefined;
      if (session !== undefined) this.#tellLost(session, reason);
      this.#finish(session).then(
        () => this.#closed.resolve(),
        (error: unknown) => this.#closed.reject(error),
      );
    }
    await this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #finish(session: Session | undefined): Promise<void> {
    await session?.end();
    await this.#opening?.catch(() => {});
    await this.#connector.close?.();
    await this.#connector.loop.close();
  }

  /** One attempt to open is under way at a time, for whoever waits. */
  #reopen(): Promise<Session> {
    this.#opening ??= this.#tryToOpen().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #tryToOpen(): Promise<Session> {
    const { loop } = this.#connector;
    const until = loop.now() + (this.#options.reconnectMs ?? 60_000);
    for (let attempt = 0; ; attempt++) {
      await pause(loop, pauses[Math.min(attempt, pauses.length - 1)] as number, this.#closing.signal);
      try {
        const left = until - loop.now();
        const session = await this.#openSession(Math.max(1, Math.min(left, this.#options.openTimeoutMs ?? 30_000)));
        return this.#take(session);
      } catch (error) {
        if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
        if (loop.now() >= until) throw gaveUp(error, this.#cause);
      }
    }
  }

  /** Throws when it has been overtaken: by our close, or by its own end. */
  #take(session: Session): Session {
    if (this.#closing.signal.aborted || session.wire.state !== "open") {
      session.close();
      throw this.#closing.signal.reason ?? lost(undefined);
    }
    this.#session = session;
    this.#state = "open";
    return session;
  }

  async #openSession(timeoutMs: number, signal?: AbortSignal): Promise<Session> {
    const { loop, name, isPrivate = false } = this.#connector;
    const late = new AbortController();
    const timeout = loop.timeout(loop.now() + timeoutMs, () => late.abort(tooLate(timeoutMs)), { name: "opening" });
    const limits = [this.#closing.signal, late.signal, ...(signal === undefined ? [] : [signal])];
    const limit = AbortSignal.any(limits);
    try {
      const transport = await this.#connector.connect(limit);
      const { readOnly = false, keepalive = { intervalMs: 5_000, count: 5 } } = this.#options;
      let ended: { readonly cause: unknown } | undefined;
      let session: Session | undefined;
      const onClose = (cause: Error | undefined): void => {
        ended = { cause: lost(cause) };
        if (session !== undefined) this.#onClose(session, ended.cause);
      };
      const opened = await Session.open(loop, transport, {
        name,
        readOnly,
        auth: this.#options.auth,
        isPrivate,
        keepalive,
        timeoutMs,
        signal: limit,
        onClose,
      });
      if (limit.aborted || ended !== undefined) {
        opened.close();
        throw limit.aborted ? limit.reason : ended?.cause;
      }
      session = opened;
      return opened;
    } finally {
      timeout.remove();
    }
  }

  #onClose(session: Session, cause: unknown): void {
    if (this.#session === session) {
      this.#session = undefined;
      if (this.#state === "open") this.#state = "lost";
      this.#cause = cause;
    }
    this.#tellLost(session, cause);
  }

  #tellLost(session: Session, cause: unknown): void {
    for (const entry of this.#lostListeners) {
      if (entry.session !== session || !this.#lostListeners.delete(entry)) continue;
      entry.listener(cause);
    }
  }
}

addMethods(OpenConnection.prototype, "connection");

function listOf<N extends string>(names: EventNames<N> | undefined): readonly N[] | undefined {
  return typeof names === "string" ? [names] : names;
}
