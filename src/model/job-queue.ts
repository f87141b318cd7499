import { Deferred, type Loop, type Timeout } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

export interface JobRequest {
  /** What is to be done, for those who wait behind: "suspend". */
  readonly operation: string;
  /** Until when to wait for the turn, on the loop's clock. Default: 30 s from now. */
  readonly deadline?: number | undefined;
  /** Ends the wait; a job that has begun goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** The exclusive right to change one domain, while it is held. */
export interface Job {
  readonly operation: string;
  /** When it began, on the loop's clock. */
  readonly since: number;
}

interface Waiter {
  readonly request: JobRequest;
  readonly turn: Deferred;
  readonly timeout: Timeout;
  readonly abort: () => void;
}

const patienceMs = 30_000;

/**
 * One job at a time, in the order of asking.
 *
 * run: waits for its turn, runs `body`, and hands on to the next when that has settled. Who waits does so until its own
 * deadline; the error then names the job in the way, and since when it has been.
 *
 * After a wait anything may have happened to the domain: `body` has to look again whether it is still there, and still
 * the same run of it.
 */
export class JobQueue {
  readonly #loop: Loop;
  #holder: Job | undefined;
  readonly #waiters = new Set<Waiter>();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get holder(): Job | undefined {
    return this.#holder;
  }

  /** Nobody holds it, and nobody waits. */
  get isIdle(): boolean {
    return this.#holder === undefined && this.#waiters.size === 0;
  }

  /** Rejects with VirError (operationTimeout), with the signal's reason, or with what `body` rejects with. */
  async run<T>(request: JobRequest, body: () => T | Promise<T>): Promise<T> {
    request.signal?.throwIfAborted();
    if (this.#holder === undefined) this.#begin(request);
    else await this.#wait(request);
    try {
      // Aborted between the handing over and now: the caller has been told so.
      request.signal?.throwIfAborted();
      return await body();
    } finally {
      this.#end();
    }
  }

  #wait(request: JobRequest): Promise<void> {
    const turn = new Deferred();
    const since = this.#loop.now();
    const deadline = request.deadline ?? since + patienceMs;
    const waiter: Waiter = {
      request,
      turn,
      timeout: this.#loop.timeout(deadline, () => this.#leave(waiter, this.#overdue(since))),
      abort: () => this.#leave(waiter, request.signal?.reason),
    };
    request.signal?.addEventListener("abort", waiter.abort);
    this.#waiters.add(waiter);
    return turn.promise;
  }

  /** Out of the queue: from here on exactly one of turn and cause reaches the waiter. */
  #take(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    waiter.timeout.remove();
    waiter.request.signal?.removeEventListener("abort", waiter.abort);
  }

  #leave(waiter: Waiter, cause: unknown): void {
    this.#take(waiter);
    waiter.turn.reject(cause);
  }

  #begin({ operation }: JobRequest): void {
    this.#holder = { operation, since: this.#loop.now() };
  }

  /** The next is the holder before it runs, so that nobody comes in between. */
  #end(): void {
    this.#holder = undefined;
    const [next] = this.#waiters;
    if (next === undefined) return;
    this.#take(next);
    this.#begin(next.request);
    next.turn.resolve();
  }

  #overdue(since: number): VirError {
    const now = this.#loop.now();
    const seconds = (from: number): string => ((now - from) / 1000).toFixed(1);
    const holder = this.#holder;
    const held = holder === undefined ? "" : ` (held by ${holder.operation} for ${seconds(holder.since)} s)`;
    const detail = `cannot acquire state change lock within ${seconds(since)} s${held}`;
    return VirError.of(ErrorCode.operationTimeout, ErrorDomain.domain, detail);
  }
}
