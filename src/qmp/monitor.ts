import {
  type Deadline,
  DeadlineError,
  Deferred,
  type Loop,
  StateError,
  type Timeout,
  type Transport,
} from "../event/index.ts";
import { CommandError, MonitorClosedError } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import { type JsonObject, type Message, type MonitorEvent, parseMessage } from "./message.ts";

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** What an AbortSignal has, in Node and in browsers. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface ExecuteOptions {
  /** From sending to reply; Infinity waits until the monitor closes. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignalLike;
  /** Descriptors to go with the command; they stay the caller's. */
  readonly fds?: readonly number[];
}

/** What a monitor tells its user, on the loop, in the order in which QEMU sent it. */
export interface MonitorListener {
  onEvent(event: MonitorEvent): void;
  /** Once and last, whoever ended the connection; no command is pending any more. May come within `close`. */
  onClose(cause: Error): void;
}

interface Pending {
  readonly command: string;
  readonly reply: Deferred<unknown>;
  readonly timeout: Timeout;
  readonly abandon: () => void;
}

/** Longest line taken from QEMU. */
const lineLimit = 16 * 1024 * 1024;
const defaultTimeoutMs = 30_000;

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
  #state: "idle" | "greeting" | "negotiating" | "ready" | "closed" = "idle";
  #cause: Error | undefined;
  #openTimeout: Timeout | undefined;
  #version: JsonObject = {};
  #lastId = 0;

  constructor(loop: Loop, transport: Transport, listener: MonitorListener) {
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
    const { timeoutMs = defaultTimeoutMs } = options;
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
    else if ((options.timeoutMs ?? defaultTimeoutMs) <= 0)
      reply.reject(new DeadlineError(`no time left for ${command}`));
    else this.#send(command, args, options, reply);
    return reply.promise;
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
    this.#tell(() => this.#listener.onClose(cause));
  }

  #send(command: string, args: JsonObject, options: ExecuteOptions, reply: Deferred<unknown>): void {
    const { signal, timeoutMs = defaultTimeoutMs, fds = [] } = options;
    const id = ++this.#lastId;
    const timeout = this.#loop.timeout(this.#after(timeoutMs), () => this.#expire(id, timeoutMs));
    const abort = (): void => this.#take(id)?.reply.reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    const abandon = (): void => signal?.removeEventListener("abort", abort);
    this.#pending.set(id, { command, reply, timeout, abandon });
    const bytes = this.#encoder.encode(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
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
        this.#dispatch(parseMessage(line));
      }
    } catch (error) {
      if (!(error instanceof MonitorClosedError)) throw error;
      this.close(error);
    }
  }

  #dispatch(message: Message): void {
    switch (message.kind) {
      case "greeting":
        return this.#negotiate(message.version);
      case "event":
        return this.#tell(() => this.#listener.onEvent(message.event));
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
    this.#overdue.delete(id);
    return this.#take(id);
  }

  #negotiate(version: JsonObject): void {
    if (this.#state !== "greeting") throw new MonitorClosedError("QEMU greeted twice");
    this.#state = "negotiating";
    this.#version = version;
    const reply = new Deferred<unknown>();
    reply.whenSettled(() => this.#negotiated(reply));
    // The time to open runs already.
    this.#send("qmp_capabilities", {}, { timeoutMs: Infinity }, reply);
  }

  #negotiated(reply: Deferred<unknown>): void {
    if (this.#state !== "negotiating") return;
    if (reply.state === "rejected") return this.close(new MonitorClosedError("QEMU refused to negotiate"));
    this.#openTimeout?.remove();
    this.#state = "ready";
    this.#opened.resolve();
  }
}
