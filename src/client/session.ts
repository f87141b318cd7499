import type { Loop, Transport } from "../event/index.ts";
import {
  AuthType,
  type Client,
  type Cursor,
  connectReadOnly,
  Feature,
  type Procedure,
  type Program,
  qemu,
  remote,
  virtwright,
} from "../protocol/index.ts";
import {
  type CallOptions,
  clientOf,
  decodeEvent,
  type KeepaliveOptions,
  type Stream,
  Connection as Wire,
} from "../rpc/index.ts";
import { decode } from "../xdr/index.ts";
import { Extensions } from "./extensions.ts";
import type { Auth } from "./sasl/credentials.ts";
import { logIn } from "./sasl/log-in.ts";

/** An event as it came: the row, what it says, and its place where the server says that. */
export interface RawEvent {
  readonly row: string;
  readonly message: unknown;
  readonly position?: Cursor;
  readonly timeMs?: number;
}
/** Events of a cursor that the journal does not have. */
export interface RawGap {
  readonly missing: { readonly from: bigint; readonly to: bigint };
  readonly position: Cursor;
}
export interface EventListener {
  onEvent(event: RawEvent): void;
  onGap?(gap: RawGap): void;
}

/** Callback ids are given anew for each of these. */
export type EventSource = "domain" | "network" | "storagePool" | "nodeDevice" | "secret" | "cursor" | "monitor";

/** How long the server may take to confirm the end of a subscription, in ms. */
export const endingMs = 5_000;

export interface SessionOptions {
  /** What the server is asked to open; null: what it likes. */
  readonly name: string | null;
  readonly readOnly: boolean;
  /** Who we are, where the server asks. */
  readonly auth: Auth | undefined;
  /** Nobody but the server hears what is said. */
  readonly isPrivate: boolean;
  /** "off": the server is never asked for a sign of life. */
  readonly keepalive: KeepaliveOptions | "off";
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  /** Once, when the connection is over. */
  readonly onClose: (cause: Error | undefined) => void;
}

const rows = Object.entries<Procedure>(remote.procedures);
const rowsByNumber = new Map(
  rows.flatMap(([name, row]) => (row.kind === "event" ? [[row.number, { name, row }]] : [])),
);

/**
 * One connection as a client has it: authenticated, open, and with its events told to those who asked for them.
 *
 *     open -> closed      (by us, or when the server goes)
 */
export class Session {
  readonly wire: Wire;
  readonly call: Client<typeof remote.procedures, CallOptions, Stream>;
  readonly qemu: Client<typeof qemu.procedures, CallOptions, Stream>;
  #extensions: Extensions | undefined;
  readonly #listeners = new Map<string, EventListener>();
  /** An event may overtake the reply to its own subscription: kept as long as a reply is outstanding. */
  readonly #early: { readonly key: string; readonly tell: (listener: EventListener) => void }[] = [];
  #subscribing = 0;
  /** Ends of subscriptions that the server has not confirmed yet. */
  readonly #leaving = new Set<Promise<unknown>>();

  private constructor(loop: Loop, transport: Transport, { onClose }: SessionOptions) {
    this.wire = new Wire(loop, transport);
    this.call = clientOf(this.wire, remote);
    this.qemu = clientOf(this.wire, qemu);
    this.wire.open({
      onEvent: (frame) => {
        const own = decodeEvent(virtwright, frame);
        if (own?.name === "eventsNext") return this.#onJournaled(own.message);
        if (own?.name === "eventsGap") {
          const { callbackId, gap, position } = own.message;
          return this.#tell("cursor", callbackId, (listener) => listener.onGap?.({ missing: gap, position }));
        }
        const monitors = decodeEvent(qemu, frame);
        if (monitors !== undefined) {
          const { name: row, message } = monitors;
          return this.#tell("monitor", message.callbackId, (listener) => listener.onEvent({ row, message }));
        }
        const event = decodeEvent(remote, frame);
        if (event === undefined) return;
        const { callbackId } = event.message as { readonly callbackId?: number };
        const source = sourceOf(event.name);
        if (callbackId === undefined || source === undefined) return;
        this.#tell(source, callbackId, (listener) => listener.onEvent({ row: event.name, message: event.message }));
      },
      onClose: (cause) => {
        // They know why the session before was lost, and that error what it was thrown from: each would keep all before it.
        this.#listeners.clear();
        onClose(cause);
      },
    });
  }

  /** Rejects with VirError, and when the connection ends before it is open; nothing is left then. */
  static async open(loop: Loop, transport: Transport, options: SessionOptions): Promise<Session> {
    const session = new Session(loop, transport, options);
    try {
      await session.#begin(options);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  get extensions(): Extensions {
    return this.#extensions as Extensions;
  }

  /** Idempotent. */
  close(): void {
    this.wire.close();
  }

  /**
   * Closes when the server has confirmed the ends of subscriptions that it was told of, or had its time for that: libvirtd
   * 9.0 may crash when a client leaves meanwhile. At once when there are none.
   */
  async end(): Promise<void> {
    if (this.#leaving.size > 0) await Promise.all(this.#leaving);
    this.close();
  }

  /** A call of a program beside the main one; with its descriptors where it passes any. */
  callBeside(program: Program, name: string, args: object, options: CallOptions): Promise<unknown> {
    const row = program.procedures[name];
    const passes = row?.kind === "call" && row.fds === "reply";
    if (passes) return this.wire.callForFds(program, name as never, args as never, options);
    return this.wire.call(program, name as never, args as never, options);
  }

  /** Asks for events by `register`; resolves with what ends that, which resolves when the server has confirmed it. */
  async subscribe(
    source: EventSource,
    listener: EventListener,
    register: () => Promise<{ readonly callbackId: number }>,
    deregister: (callbackId: number, options: CallOptions) => Promise<unknown>,
  ): Promise<() => Promise<void>> {
    this.#subscribing++;
    try {
      const { callbackId } = await register();
      const key = `${source} ${callbackId}`;
      this.#listeners.set(key, listener);
      for (const early of this.#early) if (early.key === key) early.tell(listener);
      return async () => {
        if (!this.#listeners.delete(key) || this.wire.state !== "open") return;
        // From here on nothing of it is delivered, whatever the server says.
        await this.#leave(deregister(callbackId, { timeoutMs: endingMs }));
      };
    } finally {
      if (--this.#subscribing === 0) this.#early.length = 0;
    }
  }

  async #leave(deregistered: Promise<unknown>): Promise<void> {
    const left = deregistered.catch(() => {});
    this.#leaving.add(left);
    await left;
    this.#leaving.delete(left);
  }

  async #begin({ name, readOnly, keepalive, signal, timeoutMs, auth, isPrivate }: SessionOptions): Promise<void> {
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    const { types } = await this.call.authList({}, options);
    if (types.includes(AuthType.polkit)) await this.call.authPolkit({}, options);
    else if (types.includes(AuthType.sasl)) await logIn(this.call, { auth, isPrivate, call: options });
    const { supported } = await this.call.connectSupportsFeature({ feature: Feature.programKeepalive }, options);
    if (supported !== 0 && keepalive !== "off") this.wire.startKeepalive(keepalive);
    await this.call.connectOpen({ name, flags: readOnly ? connectReadOnly : 0 }, options);
    this.#extensions = await Extensions.probe(this.wire, options);
  }

  #onJournaled(told: {
    callbackId: number;
    position: Cursor;
    timeMs: bigint;
    procedure: number;
    message: Uint8Array;
  }): void {
    const found = rowsByNumber.get(told.procedure);
    if (found === undefined) return;
    const message = decode<unknown>(found.row.message, told.message);
    const { position } = told;
    const event = { row: found.name, message, position, timeMs: Number(told.timeMs) };
    this.#tell("cursor", told.callbackId, (listener) => listener.onEvent(event));
  }

  #tell(source: EventSource, callbackId: number, tell: (listener: EventListener) => void): void {
    const key = `${source} ${callbackId}`;
    const listener = this.#listeners.get(key);
    if (listener !== undefined) tell(listener);
    else if (this.#subscribing > 0) this.#early.push({ key, tell });
  }
}

function sourceOf(row: string): EventSource | undefined {
  return (["domain", "network", "storagePool", "nodeDevice", "secret"] as const).find((source) =>
    row.startsWith(`${source}Event`),
  );
}
