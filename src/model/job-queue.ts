import { Deferred, type Loop, type Timeout } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import {
  type AsyncJob,
  type AsyncJobRequest,
  type AsyncWork,
  describeJob,
  type Job,
  type JobKind,
  type JobRequest,
  RunningAsyncJob,
} from "./job.ts";
import { JobWaits } from "./job-waits.ts";

type AnyRequest = JobRequest | AsyncJobRequest;

interface Waiter {
  readonly request: AnyRequest;
  readonly kind: JobKind;
  /** Counts all that ever waited: who came first. */
  readonly ticket: number;
  readonly turn: Deferred<Job>;
  readonly since: number;
  readonly timeout: Timeout;
  readonly abort: () => void;
}

const patienceMs = 30_000;

/**
 * Who may do something to one domain, in the order of asking.
 *
 * There are two slots. Query, modify, destroy and abort take the normal one, one job at a time. An async job takes the
 * other, and begins when both are free; while it is under way the kinds that it allows beside it take the normal slot,
 * and nobody else does. So who waits is overtaken by a later one in one case alone: an async job is in the way of the
 * first and not of the second. When it has ended the first is at the head again.
 *
 * run:        waits for its turn, runs `body`, and hands on when that has settled. Who waits does so until its own
 *             deadline; the error then names the jobs in the way. A body must not wait for another `run` of its queue
 *             that it is itself in the way of.
 * abortAsync: aborts the signal of the async job there is.
 *
 * After a wait anything may have happened to the domain: `body` has to look again whether it is still there, and still
 * the same run of it.
 */
export class JobQueue {
  readonly #loop: Loop;
  readonly #waits: JobWaits;
  #holder: Job | undefined;
  #async: RunningAsyncJob | undefined;
  /** By kind, so that finding the next does not cost the length of the queue. When nothing moves, none could begin. */
  readonly #lines: Readonly<Record<JobKind, Set<Waiter>>> = {
    query: new Set(),
    modify: new Set(),
    destroy: new Set(),
    abort: new Set(),
    async: new Set(),
  };
  #waiting = 0;
  #tickets = 0;

  /** `waits` hears how long everybody has waited; it may be that of other queues too. */
  constructor(loop: Loop, waits = new JobWaits()) {
    this.#loop = loop;
    this.#waits = waits;
  }

  /** Of the normal slot. */
  get holder(): Job | undefined {
    return this.#holder;
  }

  get asyncJob(): AsyncJob | undefined {
    return this.#async;
  }

  /** Nobody holds a slot, and nobody waits for one. */
  get isIdle(): boolean {
    return this.#holder === undefined && this.#async === undefined && this.#waiting === 0;
  }

  /** Rejects with VirError (operationTimeout), with the signal's reason, or with what `body` rejects with. */
  run<T>(request: AsyncJobRequest, body: (work: AsyncWork) => T | Promise<T>): Promise<T>;
  run<T>(request: JobRequest, body: () => T | Promise<T>): Promise<T>;
  async run<T>(request: AnyRequest, body: (work: AsyncWork) => T | Promise<T>): Promise<T> {
    request.signal?.throwIfAborted();
    const kind = request.kind ?? "modify";
    const job = this.#mayBegin(kind) ? this.#begin(request, this.#loop.now()) : await this.#wait(request, kind);
    try {
      // Aborted between the handing over and now: the caller has been told so.
      request.signal?.throwIfAborted();
      // Only an async body has a parameter, and it gets what #begin makes of its request.
      if (job === this.#async) this.#async.signal.throwIfAborted();
      return await body(job as AsyncWork);
    } finally {
      this.#end(job);
    }
  }

  /**
   * False when there is none. An abort that has waited may meet another job than it was meant for: compare `asyncJob`.
   * A job that has its slot and has not begun ends with the reason.
   */
  abortAsync(reason: unknown): boolean {
    this.#async?.abort(reason);
    return this.#async !== undefined;
  }

  #mayBegin(kind: JobKind): boolean {
    if (this.#holder !== undefined) return false;
    return this.#async === undefined || (kind !== "async" && this.#async.beside.has(kind));
  }

  #begin(request: AnyRequest, asked: number): Job {
    const since = this.#loop.now();
    this.#waits.begun.add(since - asked);
    if (request.kind === "async") {
      this.#async = new RunningAsyncJob(request, since);
      return this.#async;
    }
    const { operation, kind = "modify", owner } = request;
    this.#holder = { operation, kind, since, owner };
    return this.#holder;
  }

  /** Who comes next holds its slot before it runs, so that nobody comes in between. */
  #end(job: Job): void {
    if (job === this.#async) this.#async = undefined;
    else this.#holder = undefined;
    if (this.#waiting === 0) return;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#take(next);
      next.turn.resolve(this.#begin(next.request, next.since));
    }
  }

  /** The first of those who may begin now. */
  #next(): Waiter | undefined {
    let first: Waiter | undefined;
    for (const kind of kinds) {
      if (!this.#mayBegin(kind)) continue;
      const [waiter] = this.#lines[kind];
      if (waiter !== undefined && (first === undefined || waiter.ticket < first.ticket)) first = waiter;
    }
    return first;
  }

  #wait(request: AnyRequest, kind: JobKind): Promise<Job> {
    const turn = new Deferred<Job>();
    const since = this.#loop.now();
    const deadline = request.deadline ?? since + patienceMs;
    const waiter: Waiter = {
      request,
      kind,
      since,
      ticket: this.#tickets++,
      turn,
      timeout: this.#loop.timeout(Number.isFinite(deadline) ? deadline : "never", () =>
        this.#leave(waiter, this.#overdue(since, kind)),
      ),
      abort: () => this.#leave(waiter, request.signal?.reason),
    };
    request.signal?.addEventListener("abort", waiter.abort);
    this.#lines[kind].add(waiter);
    this.#waiting++;
    this.#waits.waiting++;
    return turn.promise;
  }

  /** Out of the queue: from here on exactly one of turn and cause reaches the waiter. */
  #take(waiter: Waiter): void {
    this.#lines[waiter.kind].delete(waiter);
    this.#waiting--;
    this.#waits.waiting--;
    waiter.timeout.remove();
    waiter.request.signal?.removeEventListener("abort", waiter.abort);
  }

  /** Makes room for nobody: who leaves was in nobody's way, as those behind it wait for the same jobs to end. */
  #leave(waiter: Waiter, cause: unknown): void {
    this.#take(waiter);
    this.#waits.givenUp.add(this.#loop.now() - waiter.since);
    waiter.turn.reject(cause);
  }

  #overdue(since: number, kind: JobKind): VirError {
    const now = this.#loop.now();
    const seconds = (from: number): string => ((now - from) / 1000).toFixed(1);
    const isBeside = kind !== "async" && this.#async?.beside.has(kind) === true;
    const inTheWay = [isBeside ? undefined : this.#async, this.#holder]
      .filter((job) => job !== undefined)
      .map((job) => `${describeJob(job)} for ${seconds(job.since)} s`);
    const held = `held by ${inTheWay.join(" and ")}`;
    const detail = `cannot acquire state change lock within ${seconds(since)} s (${held})`;
    return VirError.of(ErrorCode.operationTimeout, ErrorDomain.domain, detail);
  }
}

const kinds: readonly JobKind[] = ["query", "modify", "destroy", "abort", "async"];
