import type { AsyncWork, Domain } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, type TypedParam, VirError } from "../../protocol/index.ts";
import type { JsonObject } from "../../qmp/index.ts";
import type { Patience } from "../domain-turns.ts";
import { invalid } from "./errors.ts";
import type { Guests } from "./guests.ts";

/** What takes long: virDomainJobOperation, and libvirt's name for it when it is aborted. */
export const jobOperations = {
  save: { operation: 2, title: "domain save job" },
  restore: { operation: 3, title: "domain restore job" },
  dump: { operation: 8, title: "domain core dump job" },
} as const;

/** virDomainJobType. */
export const jobType = { none: 0, bounded: 1, unbounded: 2, completed: 3, failed: 4, cancelled: 5 };

export interface JobReport {
  readonly operation: number;
  /** Of virDomainJobType. */
  readonly type: number;
  /** In ms. */
  readonly elapsed: number;
  /** As QEMU said last: the answer of `query-migrate` or `query-dump`. */
  readonly statistics: JsonObject;
}

interface CurrentJob {
  readonly kind: keyof typeof jobOperations;
  readonly since: number;
  readonly canAbort: boolean;
  statistics: JsonObject;
}

/** The long jobs of all domains: what is under way, and what has been last. */
export class LongJobs {
  readonly #guests: Guests;
  readonly #current = new WeakMap<Domain, CurrentJob>();
  readonly #completed = new WeakMap<Domain, JobReport>();

  constructor(guests: Guests) {
    this.#guests = guests;
  }

  /**
   * Shows what is done until `body` has settled. `canAbort`: by whoever asks for that. An error of `body` after an abort
   * is told as that.
   */
  async show<T>(
    domain: Domain,
    kind: keyof typeof jobOperations,
    work: AsyncWork,
    canAbort: boolean,
    body: (onProgress: (statistics: JsonObject) => void) => Promise<T>,
  ): Promise<T> {
    const job: CurrentJob = { kind, canAbort, since: this.#guests.loop.now(), statistics: {} };
    this.#current.set(domain, job);
    try {
      const result = await body((statistics) => {
        job.statistics = statistics;
      });
      const report = this.#reportOf(job, jobType.completed);
      this.#completed.set(domain, report);
      return result;
    } catch (error) {
      if (work.signal.aborted) throw aborted(jobOperations[kind].title, error);
      throw error;
    } finally {
      this.#current.delete(domain);
    }
  }

  /** Undefined when there is none. */
  current(domain: Domain): JobReport | undefined {
    const job = this.#current.get(domain);
    return job === undefined ? undefined : this.#reportOf(job, jobType.unbounded);
  }

  /** What was completed last, and is forgotten unless it is to be kept. */
  completed(domain: Domain, keep: boolean): JobReport | undefined {
    const report = this.#completed.get(domain);
    if (!keep) this.#completed.delete(domain);
    return report;
  }

  /** The statistics of the present job go to its subscribers when it is over. */
  tellCompleted(domain: Domain): void {
    const job = this.#current.get(domain);
    if (job === undefined) return;
    const params = parametersOf(this.#reportOf(job, jobType.completed));
    this.#guests.publish({ name: "jobCompleted", dom: domain.reference, params });
  }

  async abort(domain: Domain, patience: Patience): Promise<void> {
    const meant = domain.jobs.asyncJob;
    await this.#guests.onRun(domain, "abort job", { ...patience, kind: "abort" }, () => {
      const job = this.#current.get(domain);
      // What has been waited for may be over, and another one under way.
      if (job === undefined || meant === undefined || domain.jobs.asyncJob !== meant)
        throw invalid("no job is active on the domain");
      if (!job.canAbort) throw invalid("cannot abort memory-only dump");
      domain.jobs.abortAsync(aborted(jobOperations[job.kind].title));
    });
  }

  #reportOf({ kind, since, statistics }: CurrentJob, type: number): JobReport {
    const elapsed = Math.round(this.#guests.loop.now() - since);
    return { operation: jobOperations[kind].operation, type, elapsed, statistics };
  }
}

/** In bytes. */
export interface Progress {
  readonly total: bigint;
  readonly processed: bigint;
  readonly remaining: bigint;
}

export function progressOf({ statistics }: JobReport): Progress {
  const ram = objectOf(statistics["ram"]);
  if (ram !== undefined) {
    const [total, processed, remaining] = ["total", "transferred", "remaining"].map((name) => countOf(ram[name]));
    return { total: total ?? 0n, processed: processed ?? 0n, remaining: remaining ?? 0n };
  }
  // A dump.
  const [total, processed] = [countOf(statistics["total"]), countOf(statistics["completed"])];
  return { total, processed, remaining: total > processed ? total - processed : 0n };
}

/** As `virDomainGetJobStats` names them. */
export function parametersOf(report: JobReport): TypedParam[] {
  const { total, processed, remaining } = progressOf(report);
  const { statistics } = report;
  const ram = objectOf(statistics["ram"]);
  const known: Record<string, bigint> = { time_elapsed: BigInt(report.elapsed) };
  if ("downtime" in statistics) known["downtime"] = countOf(statistics["downtime"]);
  if ("setup-time" in statistics) known["setup_time"] = countOf(statistics["setup-time"]);
  Object.assign(known, { data_total: total, data_processed: processed, data_remaining: remaining });
  Object.assign(known, { memory_total: total, memory_processed: processed, memory_remaining: remaining });
  if (ram !== undefined) Object.assign(known, memoryParameters(ram));
  return [
    { field: "operation", value: { type: "int", value: report.operation } },
    ...Object.entries(known).map(([field, value]): TypedParam => ({ field, value: { type: "ullong", value } })),
  ];
}

function memoryParameters(ram: JsonObject): Record<string, bigint> {
  // QEMU has megabits in a second.
  const bps = BigInt(Math.round((Number(ram["mbps"] ?? 0) * 1_000_000) / 8));
  return {
    memory_bps: bps,
    memory_constant: countOf(ram["duplicate"]),
    memory_normal: countOf(ram["normal"]),
    memory_normal_bytes: countOf(ram["normal-bytes"]),
    memory_dirty_rate: countOf(ram["dirty-pages-rate"]),
    memory_iteration: countOf(ram["dirty-sync-count"]),
    memory_postcopy_requests: countOf(ram["postcopy-requests"]),
    memory_page_size: countOf(ram["page-size"]),
  };
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null ? (value as JsonObject) : undefined;
}

function countOf(value: unknown): bigint {
  return typeof value === "number" && value > 0 ? BigInt(Math.round(value)) : 0n;
}

function aborted(title: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.operationAborted, ErrorDomain.qemu, `${title}: canceled by client`, cause);
}
