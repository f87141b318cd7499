import type { Loop } from "../../event/index.ts";
import { type Amount, type AsyncWork, type JobKind, JobQueue, JobWaits } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, type TypedParam, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags } from "./failure.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainJobOperation, and what libvirt calls the job when it was aborted: the calls that take long. */
const longOnes: Readonly<Record<string, { readonly operation: number; readonly title: string }>> = {
  domainSave: { operation: 2, title: "domain save job" },
  domainSaveFlags: { operation: 2, title: "domain save job" },
  domainManagedSave: { operation: 2, title: "domain save job" },
  domainCoreDump: { operation: 8, title: "domain core dump job" },
  domainCoreDumpWithFormat: { operation: 8, title: "domain core dump job" },
  domainSnapshotCreateXml: { operation: 6, title: "snapshot job" },
};
const destroying = ["domainDestroy", "domainDestroyFlags"];
/** They must not wait for the job that they are about. */
const aborting = ["domainAbortJob", "domainAbortJobFlags"];
/** virDomainJobType: nobody can say beforehand how long it takes. */
const unbounded = 2;

interface Job {
  readonly work: AsyncWork;
  /** How long it takes; absent: nobody knows. */
  readonly durationMs: number | undefined;
  readonly bytes: bigint;
}

/** How a call is to wait for others of its domain. */
export type Manner = JobKind | "at once";

/** The jobs of the domains with a change that takes time. */
export class Jobs {
  readonly loop: Loop;
  readonly waits = new JobWaits();
  readonly #queues = new Map<string, JobQueue>();
  readonly #running = new Map<string, Job>();
  readonly #hypervisor: Hypervisor;

  constructor(loop: Loop, hypervisor: Hypervisor) {
    this.loop = loop;
    this.#hypervisor = hypervisor;
  }

  /** A change of this domain takes time now. */
  has(uuid: string): boolean {
    return this.#queues.has(uuid);
  }

  /** A domain that does not run has nothing in it that takes long. */
  mannerOf(call: string, uuid: string): Manner {
    if (aborting.includes(call)) return "at once";
    if (destroying.includes(call)) return "destroy";
    return Object.hasOwn(longOnes, call) && this.#hypervisor.find(uuid)?.isActive === true ? "async" : "modify";
  }

  /** The queue of a domain, for as long as `use` takes and somebody is in it. */
  async within<T>(uuid: string, use: (queue: JobQueue) => Promise<T>): Promise<T> {
    const queue = this.#queues.get(uuid) ?? new JobQueue(this.loop, this.waits);
    this.#queues.set(uuid, queue);
    try {
      return await use(queue);
    } finally {
      if (queue.isIdle && this.#queues.get(uuid) === queue) this.#queues.delete(uuid);
    }
  }

  /** What others are told of this work until `body` has settled. */
  async show<T>(uuid: string, work: AsyncWork, durationMs: number | undefined, body: () => Promise<T>): Promise<T> {
    const kib = this.#hypervisor.find(uuid)?.definition.currentMemoryKib ?? 0;
    const job = { work, durationMs, bytes: BigInt(kib) * 1024n };
    this.#running.set(uuid, job);
    try {
      return await body();
    } finally {
      if (this.#running.get(uuid) === job) this.#running.delete(uuid);
    }
  }

  find(uuid: string): Job | undefined {
    return this.#running.get(uuid);
  }

  /** The run has ended under whatever was being done. */
  endRun(uuid: string): void {
    this.#queues
      .get(uuid)
      ?.abortAsync(VirError.of(ErrorCode.operationFailed, ErrorDomain.test, "domain is not running"));
  }

  /** False when there is no job. */
  abort(uuid: string): boolean {
    const job = this.#running.get(uuid);
    if (job === undefined) return false;
    const detail = `${longOnes[job.work.operation]?.title}: canceled by client`;
    this.#queues.get(uuid)?.abortAsync(VirError.of(ErrorCode.operationAborted, ErrorDomain.test, detail));
    return true;
  }
}

/** What is asked of jobs. Without one they are not supported, as libvirt's test hypervisor has none. */
export function jobProcedures(jobs: Jobs, hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain, api: string): Job => {
    const job = jobs.find(dom.uuid);
    if (job === undefined) throw unsupported(api);
    hypervisor.of(dom);
    return job;
  };
  const abort = (dom: WireDomain, api: string): void => {
    if (!jobs.abort(dom.uuid)) throw unsupported(api);
  };
  return {
    domainGetJobInfo: ({ dom }) => {
      const { elapsed, left, data } = measure(find(dom, "virDomainGetJobInfo"), jobs.loop.now());
      return {
        type: unbounded,
        timeElapsed: elapsed,
        timeRemaining: left,
        dataTotal: data.total,
        dataProcessed: data.processed,
        dataRemaining: data.remaining,
        memTotal: data.total,
        memProcessed: data.processed,
        memRemaining: data.remaining,
        fileTotal: 0n,
        fileProcessed: 0n,
        fileRemaining: 0n,
      };
    },
    domainGetJobStats: ({ dom, flags }) => {
      const job = find(dom, "virDomainGetJobStats");
      checkFlags(flags, 0, "testDomainGetJobStats");
      return { type: unbounded, params: statistics(job, jobs.loop.now()) };
    },
    domainAbortJob: ({ dom }) => abort(dom, "virDomainAbortJob"),
    domainAbortJobFlags: ({ dom, flags }) => {
      if (jobs.find(dom.uuid) !== undefined) checkFlags(flags, 1, "testDomainAbortJobFlags");
      abort(dom, "virDomainAbortJobFlags");
    },
  };
}

interface Measure {
  /** In ms. */
  readonly elapsed: bigint;
  readonly left: bigint;
  readonly data: Amount;
}

/** A job goes through the guest's memory evenly; one of which nobody knows how long it takes has not begun with it. */
function measure({ work, durationMs, bytes }: Job, now: number): Measure {
  const elapsed = Math.max(0, Math.round(now - work.since));
  const share = durationMs === undefined ? 0 : Math.min(1, elapsed / Math.max(1, durationMs));
  const processed = (bytes * BigInt(Math.floor(share * 1_000_000))) / 1_000_000n;
  const data = { total: bytes, processed, remaining: bytes - processed };
  work.report({ data, memory: data });
  const left = durationMs === undefined ? 0 : Math.max(0, durationMs - elapsed);
  return { elapsed: BigInt(elapsed), left: BigInt(left), data };
}

function statistics(job: Job, now: number): TypedParam[] {
  const { elapsed, left, data } = measure(job, now);
  const amounts = {
    time_elapsed: elapsed,
    time_remaining: left,
    data_total: data.total,
    data_processed: data.processed,
    data_remaining: data.remaining,
    memory_total: data.total,
    memory_processed: data.processed,
    memory_remaining: data.remaining,
  };
  const operation = longOnes[job.work.operation]?.operation ?? 0;
  return [
    { field: "operation", value: { type: "int", value: operation } },
    ...Object.entries(amounts).map(([field, value]): TypedParam => ({ field, value: { type: "ullong", value } })),
  ];
}

function unsupported(api: string): VirError {
  return VirError.of(ErrorCode.noSupport, ErrorDomain.domain, api);
}
