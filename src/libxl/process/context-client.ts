import { DeadlineError, Deferred, type Loop, type Timeout, type Transport } from "../../event/index.ts";
import type { LibraryEvent } from "../library.ts";
import type { LogLine } from "../log-line.ts";
import { MessageLines } from "./message-lines.ts";
import {
  type Answer,
  type CallName,
  type Calls,
  decodeError,
  decodeMessage,
  encodeMessage,
  type Question,
  textOf,
} from "./wire.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** When libxl is asked to cut it short; default as that of a Context. */
  readonly timeoutMs?: number;
  readonly onConsole?: (domid: number) => void;
}

/** The process that has the context is gone; what was under way there has ended, and nobody knows how. */
export class ProcessEndedError extends Error {
  override readonly name = "ProcessEndedError";
  /** False when an operation was asked for that the process had not heard of: nothing was done. */
  readonly begun: boolean;

  constructor(message: string, begun = true) {
    super(message);
    this.begun = begun;
  }
}

export interface ClientListener {
  onEvent(watch: number, event: LibraryEvent): void;
  onLog(line: LogLine): void;
  /** Once. Every call has been failed before. */
  onGone(error: ProcessEndedError): void;
  /** It did not answer in time, and does not hear us either. */
  onStuck(error: DeadlineError): void;
}

interface Pending {
  readonly result: Deferred<unknown>;
  readonly onConsole: ((domid: number) => void) | undefined;
  readonly timeout: Timeout;
  readonly forget: () => void;
  begun: boolean;
}

const defaultTimeoutMs = 120_000;
const readyMs = 120_000;
/** Beyond the time in which libxl has to give up by itself. */
const answerGraceMs = 90_000;

/**
 * The asking side of a process with a context of libxl.
 *
 *     open -> gone
 *
 * ready: once it has its context; ProcessEndedError when it has none after two minutes, as it is stuck.
 * Each call is settled once: by its answer, or with ProcessEndedError when the process is gone. A process in which libxl does
 * not end what it was told to is stuck, too.
 */
export class ContextClient {
  readonly ready = new Deferred<string>();
  readonly #loop: Loop;
  readonly #transport: Transport;
  readonly #listener: ClientListener;
  readonly #lines = new MessageLines();
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #gone: ProcessEndedError | undefined;

  constructor(loop: Loop, transport: Transport, listener: ClientListener) {
    this.#loop = loop;
    this.#transport = transport;
    this.#listener = listener;
    const late = (): void => this.#stuck(`has none after ${readyMs / 1_000} s`);
    const timeout = loop.timeout(loop.now() + readyMs, late, { name: "the start of a process of libxl's" });
    this.ready.whenSettled(() => timeout.remove());
    transport.open({
      onData: (bytes) => {
        for (const line of this.#lines.push(bytes)) this.#hear(decodeMessage(line) as Answer);
      },
      onClose: (cause) => this.#end(cause),
    });
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  call<C extends CallName>(call: C, args: Calls[C]["args"], options: CallOptions = {}): Promise<Calls[C]["result"]> {
    if (this.#gone !== undefined) return Promise.reject(new ProcessEndedError(this.#gone.message, false));
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error);
    const { signal, timeoutMs = defaultTimeoutMs, onConsole } = options;
    const id = this.#nextId++;
    const result = new Deferred<unknown>();
    const limit = this.#loop.now() + timeoutMs + answerGraceMs;
    const timeout = this.#loop.timeout(limit, () => this.#stuck(`does not answer ${call}`), {
      name: `the answer to ${call}`,
    });
    const abort = (): void => this.#send({ type: "abort", id, reason: textOf(signal?.reason) });
    signal?.addEventListener("abort", abort);
    const forget = (): void => signal?.removeEventListener("abort", abort);
    this.#pending.set(id, { result, onConsole, timeout, forget, begun: false });
    this.#send({ type: "call", id, call, args, timeoutMs });
    return result.promise as Promise<Calls[C]["result"]>;
  }

  /** Nothing more is asked; the process ends what it has begun, and then itself. */
  close(): void {
    this.#transport.close();
  }

  #send(question: Question): void {
    this.#transport.send(encodeMessage(question));
  }

  #hear(answer: Answer): void {
    switch (answer.type) {
      case "ready":
        return this.ready.resolve(answer.version);
      case "failed":
        return this.#transport.close(new Error(answer.message));
      case "event":
        return this.#listener.onEvent(answer.watch, answer.event);
      case "log":
        return this.#listener.onLog(answer.line);
      case "console":
        return this.#pending.get(answer.id)?.onConsole?.(answer.domid);
      case "begun":
        return this.#begun(answer.id);
      case "result":
        return this.#take(answer.id)?.result.resolve(answer.result);
      case "error":
        return this.#fail(answer.id, decodeError(answer.error));
    }
  }

  #begun(id: number): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.begun = true;
  }

  #fail(id: number, error: Error): void {
    const isStuck = error instanceof DeadlineError;
    if (isStuck) this.#listener.onStuck(error);
    this.#take(id)?.result.reject(isStuck ? new ProcessEndedError(error.message) : error);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.timeout.remove();
    pending?.forget();
    return pending;
  }

  #stuck(how: string): void {
    this.#listener.onStuck(new DeadlineError(`the process with libxl's context ${how}`));
  }

  #end(cause: Error | undefined): void {
    const reason = cause === undefined ? "" : `: ${cause.message}`;
    const message = `the process with libxl's context has ended${reason}`;
    this.#gone = new ProcessEndedError(message);
    for (const [id, { begun }] of this.#pending) this.#take(id)?.result.reject(new ProcessEndedError(message, begun));
    this.ready.reject(this.#gone);
    this.#listener.onGone(this.#gone);
  }
}
