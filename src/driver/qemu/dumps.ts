import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { AsyncWork, Domain } from "../../model/index.ts";
import { DomainReason, DomainState, ErrorCode, ErrorDomain, Lifecycle, VirError } from "../../protocol/index.ts";
import { MonitorClosedError } from "../../qmp/index.ts";
import type { Patience } from "../domain-turns.ts";
import { discardFile } from "./files.ts";
import type { Guests } from "./guests.ts";
import type { LongJobs } from "./long-jobs.ts";
import { asDump, asMigration, writeMemory } from "./memory-stream.ts";
import type { Run } from "./run.ts";
import type { UnfinishedJob } from "./run-record.ts";
import { createFile, systemError } from "./save-image.ts";
import { abortable, goOn, writeFailure } from "./saves.ts";

export interface DumpOptions {
  /** The guest is not paused for it. */
  readonly live: boolean;
  /** And then ends, as one that has crashed. */
  readonly crash: boolean;
  /** And then is reset. */
  readonly reset: boolean;
  /** As debuggers read it, not as QEMU keeps it for itself. */
  readonly memoryOnly: boolean;
  /** virDomainCoreDumpFormat. */
  readonly format: number;
}

/** QEMU's words for virDomainCoreDumpFormat. */
const formats = ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"];

/** Guests' memory in files, for debugging. The guest goes on, unless that is not wanted. */
export class Dumps {
  readonly #guests: Guests;
  readonly #jobs: LongJobs;
  readonly #directory: string;

  /** `directory`: of the dumps that are made when a guest crashes. */
  constructor(guests: Guests, jobs: LongJobs, directory: string) {
    this.#guests = guests;
    this.#jobs = jobs;
    this.#directory = directory;
  }

  async dump(domain: Domain, path: string, options: DumpOptions, patience: Patience): Promise<void> {
    await this.#guests.onRunAtLength(domain, "dump", patience, async (run, work) => {
      const wasRunning = domain.status.state === DomainState.running;
      const isPaused = wasRunning && !options.live;
      const job: UnfinishedJob = {
        kind: "dump",
        path,
        isBegun: true,
        wasRunning: isPaused,
        byMigration: !options.memoryOnly,
      };
      await this.#jobs.show(domain, "dump", work, !options.memoryOnly, (onProgress) =>
        this.#dump(run, job, options, work, onProgress),
      );
      await this.#follow(run, job, options);
    });
  }

  /** Of a guest that stands still because it has crashed. Under the domain's job. */
  async keepCrash(run: Run): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const stamp = new Date().toISOString().replace(/[:.]/g, "-");
    const path = join(this.#directory, `${run.domain.name}-${stamp}.core`);
    await using file = await createFile(path);
    const end = await writeMemory(run, file.fd, asDump(undefined), this.#guests.loop, () => {});
    if (end.status !== "completed") throw await writeFailure(path, "dump", end.error);
  }

  /** A dump that nobody is waiting for any more is of no use. Under the domain's job. */
  async recover(run: Run, job: UnfinishedJob): Promise<void> {
    await discardFile(job.path);
    if (!run.hasEnded) await goOn(run, job);
  }

  async #dump(
    run: Run,
    job: UnfinishedJob,
    { live, memoryOnly, format }: DumpOptions,
    work: AsyncWork,
    onProgress: Parameters<typeof writeMemory>[4],
  ): Promise<void> {
    const { path } = job;
    if (format !== 0 && !memoryOnly) {
      const detail = "kdump-compressed format is only supported with memory-only dump";
      throw VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
    }
    const writing = memoryOnly ? asDump(formats[format]) : asMigration;
    await using file = await createFile(path);
    try {
      run.note(job);
      if (!live) await run.power.suspend(commandMs, DomainReason.paused.dump);
      const end = await abortable(run, work, () => writeMemory(run, file.fd, writing, this.#guests.loop, onProgress));
      if (end.status !== "completed") work.signal.throwIfAborted();
      if (end.status !== "completed") throw await writeFailure(path, "dump", end.error);
      await file.sync().catch((error: unknown) => {
        // Not everything that can be dumped into can be synced.
        if ((error as NodeJS.ErrnoException).code !== "EINVAL")
          throw systemError(error, `Failed to write to file '${path}'`);
      });
      if (!memoryOnly) this.#jobs.tellCompleted(run.domain);
    } catch (error) {
      await discardFile(path);
      // A QEMU that has gone needs nothing any more.
      const complain = (cause: unknown): void => {
        if (!(cause instanceof MonitorClosedError)) this.#guests.report(cause);
      };
      if (!run.hasEnded) await goOn(run, job).catch(complain);
      throw error;
    }
  }

  async #follow(run: Run, job: UnfinishedJob, { crash, reset }: DumpOptions): Promise<void> {
    if (run.hasEnded) return;
    if (crash) {
      const { shutoff } = DomainReason;
      return run.end({ reason: shutoff.crashed, detail: Lifecycle.stopped.detail.crashed });
    }
    if (reset) await run.power.reset(commandMs);
    // What was migrated has to be let go again; a cancelled migration that is over does no harm.
    await goOn(run, { ...job, byMigration: false });
  }
}

const commandMs = 30_000;
