import { DeadlineError, Deferred, type Loop, type Timeout } from "../event/index.ts";
import { LibxlError } from "./error.ts";
import type { Completion, Request, RequestListener, Running } from "./library.ts";

export interface OperationOptions {
  /** Asks libxl to cut the operation short; how it then ended is told as always. */
  readonly signal?: AbortSignal;
  /** As `signal`, after so many milliseconds. Default two minutes. */
  readonly timeoutMs?: number;
}

export interface OperationContext {
  readonly loop: Loop;
  /** Hands on what libxl has logged so far. */
  readonly readLog: () => void;
}

const defaultTimeoutMs = 120_000;
/** What libxl may take to end an operation that it was asked to cut short. */
const graceMs = 60_000;

/**
 * One of libxl's asynchronous operations.
 *
 *     running -> aborting -> ended
 *
 * It ends once, when libxl says so, in a later turn than that; what libxl uses for it is kept until then.
 * settled: its completion, also when it was aborted and completed all the same; LibxlError when it failed; DeadlineError
 *          when libxl did not end it even after being asked to: then it has still not `ended`.
 * abort:   running -> aborting; afterwards without effect. `cause` becomes that of the error.
 */
export class Operation implements RequestListener {
  readonly settled = new Deferred<Completion>();
  readonly finished = new Deferred();
  /** What libxl complained of meanwhile. */
  readonly log: string[] = [];
  readonly #context: OperationContext;
  readonly #call: Request["call"];
  readonly #onConsole: ((domid: number) => void) | undefined;
  #state: "running" | "aborting" | "ended" = "running";
  #running: Running | undefined;
  #timeout: Timeout | undefined;
  #forgetSignal: () => void = () => {};
  #cause: unknown;

  constructor(context: OperationContext, call: Request["call"], onConsole?: (domid: number) => void) {
    this.#context = context;
    this.#call = call;
    this.#onConsole = onConsole;
  }

  get state(): "running" | "aborting" | "ended" {
    return this.#state;
  }

  /** Once, with what the library's start has returned; the library may have called `ended` before. */
  begun(result: Running | number, { signal, timeoutMs = defaultTimeoutMs }: OperationOptions): void {
    if (typeof result === "number") return this.#end({ rc: result });
    this.#running = result;
    const { loop } = this.#context;
    const late = (): void => this.abort(new DeadlineError(`${this.#call} had not ended after ${timeoutMs} ms`));
    this.#timeout = loop.timeout(loop.now() + timeoutMs, late, { name: `the deadline of ${this.#call}` });
    const listener = (): void => this.abort(signal?.reason);
    signal?.addEventListener("abort", listener);
    this.#forgetSignal = () => signal?.removeEventListener("abort", listener);
  }

  abort(cause: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "aborting";
    this.#cause = cause;
    const { loop } = this.#context;
    this.#timeout?.remove();
    this.#timeout = loop.timeout(loop.now() + graceMs, () => this.#giveUp(), { name: `the end of ${this.#call}` });
    // From a later turn: a signal may be aborted anywhere. An operation that cannot be cut short says so, and goes on.
    loop.post(() => this.#state === "aborting" && this.#running?.abort());
  }

  ended(completion: Completion): void {
    if (!this.#context.loop.post(() => this.#end(completion))) this.#end(completion);
  }

  consoleAvailable(domid: number): void {
    this.#context.loop.post(() => this.#onConsole?.(domid));
  }

  #end(completion: Completion): void {
    this.#state = "ended";
    this.#timeout?.remove();
    this.#forgetSignal();
    this.#context.readLog();
    if (completion.rc === 0) this.settled.resolve(completion);
    else this.settled.reject(this.#error(completion));
    this.finished.resolve();
  }

  #error({ rc, domid }: Completion): LibxlError {
    return new LibxlError(rc, `libxl ${this.#call}`, { log: this.log, domid, cause: this.#cause });
  }

  #giveUp(): void {
    const message = `libxl has not ended ${this.#call} ${graceMs} ms after it was asked to: close the process`;
    this.settled.reject(new DeadlineError(message));
  }
}
