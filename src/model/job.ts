/**
 * What a job may do to its domain:
 *
 * - query:   asks its hypervisor something.
 * - modify:  changes it.
 * - destroy: ends its run.
 * - abort:   aborts the async job under way.
 * - async:   takes long (save, dump, migrate, snapshot), and lets others run beside it.
 */
export type JobKind = "query" | "modify" | "destroy" | "abort" | "async";

/** Of what is done, in bytes. */
export interface Amount {
  readonly total: bigint;
  readonly processed: bigint;
  readonly remaining: bigint;
}

/** How far an async job has come, as far as it knows. */
export interface JobProgress {
  /** All of it. */
  readonly data?: Amount;
  /** The guest's memory alone. */
  readonly memory?: Amount;
  /** Its disks alone. */
  readonly file?: Amount;
}

/** A job that holds its slot. The object itself is its identity. */
export interface Job {
  readonly operation: string;
  readonly kind: JobKind;
  /** When it began, on the loop's clock. */
  readonly since: number;
  /** On whose behalf, for people to read: "client 12". */
  readonly owner?: string | undefined;
}

export interface AsyncJob extends Job {
  readonly kind: "async";
  /** As reported last. */
  readonly progress?: JobProgress | undefined;
}

/** An async job as its own body sees it. */
export interface AsyncWork extends AsyncJob {
  /** Aborted by `JobQueue.abortAsync`. The job lasts until its body has settled all the same. */
  readonly signal: AbortSignal;
  report(progress: JobProgress): void;
}

interface AnyRequest {
  /** What is to be done, for those who wait behind: "suspend". */
  readonly operation: string;
  /** On whose behalf, for the same: "client 12". */
  readonly owner?: string | undefined;
  /** Until when to wait for the turn, on the loop's clock; Infinity: as long as it takes. Default: 30 s from now. */
  readonly deadline?: number | undefined;
  /** Ends the wait; a job that has begun goes on. */
  readonly signal?: AbortSignal | undefined;
}

export interface JobRequest extends AnyRequest {
  /** Default: modify. */
  readonly kind?: Exclude<JobKind, "async">;
}

export interface AsyncJobRequest extends AnyRequest {
  readonly kind: "async";
  /** Which kinds may run beside it. Default: query, destroy and abort; without "destroy" it cannot be destroyed. */
  readonly beside?: ReadonlySet<JobKind>;
}

/** "save (async, client 12)" */
export function describeJob({ operation, kind, owner }: Job): string {
  return `${operation} (${owner === undefined ? kind : `${kind}, ${owner}`})`;
}

/** An async job that is under way. */
export class RunningAsyncJob implements AsyncWork {
  readonly operation: string;
  readonly kind = "async";
  readonly since: number;
  readonly owner: string | undefined;
  readonly beside: ReadonlySet<JobKind>;
  progress: JobProgress | undefined;
  readonly #controller = new AbortController();

  constructor({ operation, owner, beside = besideByDefault }: AsyncJobRequest, since: number) {
    this.operation = operation;
    this.owner = owner;
    this.since = since;
    this.beside = beside;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  report(progress: JobProgress): void {
    this.progress = progress;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}

const besideByDefault: ReadonlySet<JobKind> = new Set<JobKind>(["query", "destroy", "abort"]);
