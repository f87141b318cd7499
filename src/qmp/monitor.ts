import {
  type Deadline,
  DeadlineError,
  Deferred,
  Feed,
  type Loop,
  StateError,
  type Timeout,
  type Transport,
} from "../event/index.ts";
import { CommandError, MonitorClosedError } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import { type JsonObject, type Message, type MonitorEvent, parseMessage } from "./message.ts";
import { patienceFor, patienceMs } from "./patience.ts";
import { Transcript } from "./transcript.ts";

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** What an AbortSignal has, in Node and in browsers. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface ExecuteOptions {
  /** From sending to reply; Infinity waits until the monitor closes. Default: what the command's class gets. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignalLike;
  /**
   * Out of band: answered even while another command is being worked on. Where QEMU has not offered that, in order as all
   * others. It refuses what is not meant for it.
   */
  readonly outOfBand?: boolean;
  /** Descriptors for `getfd` or `add-fd`, which take what came with them; they stay the caller's. */
  readonly fds?: readonly number[];
}

/** What a monitor tells its user, on the loop, in the order in which QEMU sent it. */
export interface MonitorListener {
  onEvent?(event: MonitorEvent): void;
  /** Once and last, whoever ended the connection; no command is pending any more. May come within `close`. */
  onClose?(cause: Error): void;
  /** A deadline has passed without an answer (false), or all late answers have come (true). */
  onResponsive?(responsive: boolean): void;
}

interface Pending {
  readonly command: string;
  readonly reply: Deferred<unknown>;
  readonly timeout: Timeout;
  readonly abandon: () => void;
}

/** Longest line taken from QEMU. */
const lineLimit = 16 * 1024 * 1024;

/**
 * A connection to QEMU's machine protocol.
 *
 *     idle -> greeting -> negotiating -> ready -> closed
 *
 * open:    idle -> greeting; resolves at ready. When that fails or lasts too long: closed.
 * execute: ready. Each command settles exactly once, by whatever comes first: reply, deadline, abort, close.
 * close:   any -> closed; idempotent. What is pending fails at once and nothing is sent any more.
 *
 * A command is known by its id, which is never used twice: the reply to one that has been given up is dropped and can
 * not answer another. After a deadline reading goes on; the monitor is merely unresponsive until that reply has come.
 */
export class Monitor {
  readonly #loop: Loop;
  readonly #transport: Transport;
  readonly #listener: MonitorListener;
  readonly #lines = new LineSplitter(lineLimit);
  readonly #encoder = new TextEncoder();
  readonly #opened = new Deferred();
  readonly #pending = new Map<number, Pending>();
  /** Ids of commands whose deadline has passed and whose reply has not come. */
  readonly #overdue = new Set<number>();
  readonly #feeds = new Set<Feed<MonitorEvent>>();
  /** What was said last, without secrets. */
  readonly transcript = new Transcript();
  #hasOutOfBand = false;
  #state: "idle" | "greeting" | "negotiating" | "ready" | "closed" = "idle";
  #cause: Error | undefined;
  #openTimeout: Timeout | undefined;
  #version: JsonObject = {};
  #lastId = 0;

  constructor(loop: Loop, transport: Transport, listener: MonitorListener = {}) {
    this.#loop = loop;
    this.#transport = transport;
    this.#listener = listener;
  }

  get state(): "idle" | "greeting" | "negotiating" | "ready" | "closed" {
    return this.#state;
  }

  /** False from a deadline that has passed until the late reply comes. */
  get responsive(): boolean {
    return this.#overdue.size === 0;
  }

  /** Whether commands can be answered out of band. */
  get hasOutOfBand(): boolean {
    return this.#hasOutOfBand;
  }

  /** QEMU's version as it was greeted with: `{ qemu: { major, minor, micro }, package }`. */
  get version(): JsonObject {
    return this.#version;
  }

  /**
   * Waits for the greeting and negotiates, both within `timeoutMs` (default 30,000; Infinity waits as long as QEMU
   * lives). Rejects with what closed it.
   */
  open(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#state !== "idle") throw new StateError(`the monitor is ${this.#state}: it can be opened once`);
    this.#state = "greeting";
    const { timeoutMs = patienceMs.ordinary } = options;
    this.#openTimeout = this.#loop.timeout(this.#after(timeoutMs), () =>
      this.close(new DeadlineError(`QEMU did not answer on its monitor within ${timeoutMs} ms`)),
    );
    this.#transport.open({
      onData: (bytes) => this.#receive(bytes),
      onClose: (cause) => this.close(new MonitorClosedError("QEMU closed the monitor", { cause })),
    });
    return this.#opened.promise;
  }

  /**
   * Sends a command and waits for its result; without time or with an aborted signal nothing is sent. Rejects with
   * CommandError when QEMU refuses it, DeadlineError, the signal's reason, or what closed the monitor.
   */
  execute(command: string, args: JsonObject = {}, options: ExecuteOptions = {}): Promise<unknown> {
    const reply = new Deferred<unknown>();
    if (this.#state === "closed") reply.reject(this.#cause);
    else if (this.#state !== "ready") reply.reject(new StateError(`the monitor is ${this.#state}: open it first`));
    else if (options.signal?.aborted === true) reply.reject(options.signal.reason);
    else if ((options.timeoutMs ?? patienceFor(command)) <= 0)
      reply.reject(new DeadlineError(`no time left for ${command}`));
    else this.#send(command, args, options, reply);
    return reply.promise;
  }

  /** Every event from here on, in order; it ends with what closes the monitor, and at once when that is closed. */
  events(): Feed<MonitorEvent> {
    const feed: Feed<MonitorEvent> = new Feed<MonitorEvent>({ onClose: () => this.#feeds.delete(feed) });
    if (this.#state === "closed") feed.end(this.#cause);
    else this.#feeds.add(feed);
    return feed;
  }

  close(cause: Error = new MonitorClosedError("the monitor was closed")): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#cause = cause;
    this.#openTimeout?.remove();
    this.#transport.close();
    for (const id of this.#pending.keys()) this.#take(id)?.reply.reject(cause);
    this.#overdue.clear();
    this.#opened.reject(cause);
    for (const feed of this.#feeds) feed.end(cause);
    this.#feeds.clear();
    this.#tell(() => this.#listener.onClose?.(cause));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #send(command: string, args: JsonObject, options: ExecuteOptions, reply: Deferred<unknown>): void {
    const { signal, timeoutMs = patienceFor(command), fds = [] } = options;
    const id = ++this.#lastId;
    const timeout = this.#loop.timeout(this.#after(timeoutMs), () => this.#expire(id, timeoutMs));
    const abort = (): void => this.#take(id)?.reply.reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    const abandon = (): void => signal?.removeEventListener("abort", abort);
    this.#pending.set(id, { command, reply, timeout, abandon });
    const verb = options.outOfBand === true && this.#hasOutOfBand ? "exec-oob" : "execute";
    const message = { [verb]: command, arguments: args, id };
    this.transcript.add(this.#loop.now(), "us", message);
    const bytes = this.#encoder.encode(`${JSON.stringify(message)}\n`);
    if (fds.length === 0) this.#transport.send(bytes);
    else this.#transport.send(bytes, fds);
  }

  #after(timeoutMs: number): Deadline {
    return timeoutMs === Infinity ? "never" : this.#loop.now() + timeoutMs;
  }

  #expire(id: number, timeoutMs: number): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    this.#overdue.add(id);
    if (this.#overdue.size === 1) this.#tell(() => this.#listener.onResponsive?.(false));
    pending.reply.reject(new DeadlineError(`QEMU did not answer ${pending.command} within ${timeoutMs} ms`));
  }

  /** Takes a command out of those that are pending: whoever gets it settles it. */
  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.timeout.remove();
    pending.abandon();
    return pending;
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const line of this.#lines.push(bytes)) {
        // A listener may close the monitor between two lines.
        if (this.#state === "closed") return;
        this.#dispatch(parseMessage(line, (json) => this.transcript.add(this.#loop.now(), "QEMU", json)));
      }
    } catch (error) {
      if (!(error instanceof MonitorClosedError)) throw error;
      this.close(error);
    }
  }

  #dispatch(message: Message): void {
    switch (message.kind) {
      case "greeting":
        return this.#negotiate(message.version, message.capabilities);
      case "event":
        this.#tell(() => this.#listener.onEvent?.(message.event));
        for (const feed of this.#feeds) feed.push(message.event);
        return;
      case "result":
        return this.#answered(message.id)?.reply.resolve(message.value);
      case "refusal": {
        const pending = this.#answered(message.id);
        return pending?.reply.reject(new CommandError(pending.command, message.errorClass, message.description));
      }
    }
  }

  /** The loop reports what a listener throws; the lines behind are read all the same. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#loop.post(() => {
        throw error;
      });
    }
  }

  #answered(id: unknown): Pending | undefined {
    if (typeof id !== "number")
      throw new MonitorClosedError("QEMU did not understand a command: the monitor is unusable");
    if (this.#overdue.delete(id) && this.responsive) this.#tell(() => this.#listener.onResponsive?.(true));
    return this.#take(id);
  }

  #negotiate(version: JsonObject, offered: readonly string[]): void {
    if (this.#state !== "greeting") throw new MonitorClosedError("QEMU greeted twice");
    this.#state = "negotiating";
    this.#version = version;
    const hasOutOfBand = offered.includes("oob");
    const reply = new Deferred<unknown>();
    reply.whenSettled(() => this.#negotiated(reply, hasOutOfBand));
    // The time to open runs already.
    this.#send("qmp_capabilities", hasOutOfBand ? { enable: ["oob"] } : {}, { timeoutMs: Infinity }, reply);
  }

  #negotiated(reply: Deferred<unknown>, hasOutOfBand: boolean): void {
    if (this.#state !== "negotiating") return;
    if (reply.state === "rejected") return this.close(new MonitorClosedError("QEMU refused to negotiate"));
    this.#hasOutOfBand = hasOutOfBand;
    this.#openTimeout?.remove();
    this.#state = "ready";
    this.#opened.resolve();
  }
}
