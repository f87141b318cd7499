import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type AsyncWork, Definition, DirectoryFiles, type Domain } from "../../model/index.ts";
import {
  DomainReason,
  DomainState,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import { type JsonObject, MonitorClosedError } from "../../qmp/index.ts";
import type { Patience } from "../domain-turns.ts";
import { invalid } from "./errors.ts";
import { discardFile } from "./files.ts";
import type { Guests } from "./guests.ts";
import type { LongJobs } from "./long-jobs.ts";
import { asMigration, type MemorySource, writeMemory } from "./memory-stream.ts";
import { migratable } from "./migratable.ts";
import type { Run } from "./run.ts";
import type { UnfinishedJob } from "./run-record.ts";
import {
  beginImage,
  completeImage,
  createFile,
  isUnfinished,
  openFile,
  readImage,
  replaceXml,
  type SaveImage,
  settlePartial,
  systemError,
} from "./save-image.ts";

/** Another definition for it, and whether it is to run when it is restored; absent: as it was. */
export interface SaveOptions {
  readonly xml?: string | undefined;
  readonly running?: boolean | undefined;
}

/**
 * Guests whose memory is in a file: their run ends with the saving, and a new one goes on from there.
 *
 * The file is complete and on the disk before the run ends, and marked as not complete until then. What a saving that
 * came to no end leaves is removed, and the guest goes on: at once, or when the next daemon finds it.
 */
export class Saves {
  readonly #guests: Guests;
  readonly #jobs: LongJobs;
  readonly #directory: string;
  /** Of the domains that have a managed image. */
  readonly #managed = new Set<string>();

  /** `directory`: of the images that are taken up by the next start. */
  constructor(guests: Guests, jobs: LongJobs, directory: string) {
    this.#guests = guests;
    this.#jobs = jobs;
    this.#directory = directory;
  }

  /** Before the guests are loaded. */
  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory))
      if (name.endsWith(suffix)) this.#managed.add(name.slice(0, -suffix.length));
  }

  hasManaged({ uuid }: Domain): boolean {
    return this.#managed.has(uuid);
  }

  managedPath({ uuid }: Domain): string {
    return join(this.#directory, `${uuid}${suffix}`);
  }

  /** Nothing when there is none. Under the domain's job. */
  async removeManaged(domain: Domain): Promise<void> {
    if (!this.hasManaged(domain)) return;
    await rm(this.managedPath(domain), { force: true });
    // Else it may be there again after a power cut, older than the guest's disks.
    await new DirectoryFiles(this.#directory).sync();
    this.#managed.delete(domain.uuid);
  }

  async save(domain: Domain, path: string, options: SaveOptions, patience: Patience): Promise<void> {
    const given = options.xml === undefined ? undefined : await this.#guests.read(options.xml, patience);
    await this.#guests.onRunAtLength(domain, "save", patience, (run, work) =>
      this.#save(run, path, given, options.running, work),
    );
  }

  async saveManaged(domain: Domain, running: boolean | undefined, patience: Patience): Promise<void> {
    await this.#guests.onRunAtLength(domain, "managed save", patience, async (run, work) => {
      if (domain.persistent === undefined) throw invalid("cannot do managed save for transient domain");
      await this.#save(run, this.managedPath(domain), undefined, running, work, () => this.#managed.add(domain.uuid));
    });
  }

  /** Runs a guest on from an image, which stays. Rejects with VirError. */
  async restore(path: string, options: SaveOptions, patience: Patience): Promise<WireDomain> {
    await using file = await openFile(path);
    const image = await completeOf(file);
    const definition = await this.#guests.read(options.xml ?? image.xml, patience);
    const domain = this.#guests.domains.claim(definition);
    // The file stays open for as long as this takes.
    return await this.#guests.exclusively(domain, "restore", patience, async () => {
      if (domain.incarnation !== undefined)
        throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, `domain '${domain.name}' is already active`);
      const { size } = await file.stat();
      const from: MemorySource = { fd: file.fd, size, onLoaded: async () => {} };
      await this.#guests.boot(domain, definition, { paused: !(options.running ?? image.wasRunning), from });
      return domain.reference;
    });
  }

  /**
   * Runs a domain on from its managed image, which then is gone. False when that was never finished: it is gone too, and the
   * domain is to begin anew. Rejects with VirError when it is none, or a newer version's: it stays, as libvirt's does. Under the domain's job.
   */
  async resumeManaged(domain: Domain, paused: boolean): Promise<boolean> {
    const path = this.managedPath(domain);
    await using file = await openFile(path);
    if (await isUnfinished(file)) {
      this.#guests.report(new Error(`domain '${domain.name}' begins anew: its image ${path} was never finished`));
      await this.removeManaged(domain);
      return false;
    }
    const { size } = await file.stat();
    const image = await completeOf(file);
    // The guest's disks go on from here: its memory of before must never meet them again.
    const from: MemorySource = { fd: file.fd, size, onLoaded: () => this.removeManaged(domain) };
    await this.#guests.boot(domain, Definition.restore(image.xml), { paused: paused || !image.wasRunning, from });
    return true;
  }

  async readXml(path: string): Promise<string> {
    await using file = await openFile(path);
    return (await completeOf(file)).xml;
  }

  /** Rejects with VirError when it is another domain's, or too long. */
  async replaceXml(path: string, { xml, running }: SaveOptions, patience: Patience): Promise<void> {
    await using file = await openFile(path, true);
    const image = await completeOf(file);
    const definition = await this.#guests.read(xml ?? image.xml, patience);
    checkSame(Definition.restore(image.xml), definition);
    await replaceXml(file, image, definition.toXml(), running ?? image.wasRunning);
  }

  /** Finds out whether the saving had come to its end, and ends it if it had. Under the domain's job. */
  async recover(run: Run, job: UnfinishedJob): Promise<void> {
    const isWritten = job.isBegun && !run.hasEnded && (await hasWritten(run));
    const isThere = await settlePartial(job.path, isWritten);
    // What was there before is not of this guest as it is now.
    const isComplete = isThere && job.isBegun;
    const isManaged = job.path === this.managedPath(run.domain);
    if (isManaged && isThere) this.#managed.add(run.domain.uuid);
    else if (isManaged) this.#managed.delete(run.domain.uuid);
    if (run.hasEnded) return;
    if (isComplete) return run.end(saved);
    await goOn(run, job);
  }

  async #save(
    run: Run,
    path: string,
    given: Definition | undefined,
    running: boolean | undefined,
    work: AsyncWork,
    onComplete: () => void = () => {},
  ): Promise<void> {
    const { domain } = run;
    const definition = domain.definition ?? domain.persistent;
    if (definition === undefined) throw invalid("domain is not running");
    if (given !== undefined) checkSame(definition, given);
    const wasRunning = domain.status.state === DomainState.running;
    const xml = migratable(given ?? definition).toXml();
    const job: UnfinishedJob = { kind: "save", path, isBegun: false, wasRunning, byMigration: true };
    await this.#jobs.show(domain, "save", work, true, async (onProgress) => {
      run.note(job);
      await using file = await this.#create(run, path);
      try {
        await writing(path, () => beginImage(file, xml, running ?? wasRunning));
        run.note({ ...job, isBegun: true });
        await run.power.suspend(commandMs, DomainReason.paused.save);
        await this.#write(run, path, file.fd, work, onProgress);
        await writing(path, () => completeImage(file));
      } catch (error) {
        await discardFile(path);
        await this.#giveUp(run, job);
        throw error;
      }
      onComplete();
      this.#jobs.tellCompleted(domain);
      await run.end(saved);
    });
  }

  async #create(run: Run, path: string): Promise<FileHandle> {
    return createFile(path).catch((error: unknown) => {
      if (!run.hasEnded) run.note(undefined);
      throw error;
    });
  }

  async #write(
    run: Run,
    path: string,
    fd: number,
    work: AsyncWork,
    onProgress: Parameters<typeof writeMemory>[4],
  ): Promise<void> {
    const end = await abortable(run, work, () => writeMemory(run, fd, asMigration, this.#guests.loop, onProgress));
    // An abort that comes when all is there is too late: QEMU would not write the memory of a paused guest again.
    if (end.status !== "completed") work.signal.throwIfAborted();
    // The guest was faster: what is in the file is one that has powered off.
    if (run.isShutDown) throw invalid("domain is not running");
    if (end.status !== "completed") throw await writeFailure(path, "save", end.error);
  }

  /** The guest goes on as before, as soon as its QEMU answers: nobody is kept waiting for one that does not. */
  async #giveUp(run: Run, job: UnfinishedJob): Promise<void> {
    if (run.hasEnded) return;
    const complain = (error: unknown): void => {
      // A QEMU that has gone needs nothing any more.
      if (!(error instanceof MonitorClosedError)) this.#guests.report(error);
    };
    if (run.isResponsive) return goOn(run, job).catch(complain);
    this.#guests
      .onRun(run.domain, "recover", { deadline: Number.POSITIVE_INFINITY }, (now) =>
        now === run ? goOn(run, job, Number.POSITIVE_INFINITY) : undefined,
      )
      .catch((error: unknown) => {
        if (!run.hasEnded) complain(error);
      });
  }
}

/** Whether QEMU has come to the end of writing its memory since the guest ran last. */
async function hasWritten(run: Run): Promise<boolean> {
  const { status } = (await run.execute("query-status", {}, Number.POSITIVE_INFINITY)) as JsonObject;
  return status === "postmigrate";
}

const suffix = ".save";
const commandMs = 30_000;
const saved = { reason: DomainReason.shutoff.saved, detail: Lifecycle.stopped.detail.saved };

/** An abort reaches QEMU, and what it was doing is waited for all the same. */
export async function abortable<T>(run: Run, work: AsyncWork, body: () => Promise<T>): Promise<T> {
  const cancel = (): void => {
    run.execute("migrate_cancel").catch(() => {
      // It has ended, or does not answer: whoever waits for the writing hears of that.
    });
  };
  work.signal.throwIfAborted();
  work.signal.addEventListener("abort", cancel);
  try {
    return await body();
  } finally {
    work.signal.removeEventListener("abort", cancel);
  }
}

/** Whatever was being written is not written any more, and a guest that was paused for it runs on. */
export async function goOn(
  run: Run,
  { wasRunning, byMigration, kind }: UnfinishedJob,
  timeoutMs = commandMs,
): Promise<void> {
  if (byMigration) await run.execute("migrate_cancel", {}, timeoutMs);
  run.note(undefined);
  if (!wasRunning || run.hasEnded || run.isShutDown) return;
  const { saveCanceled, unpaused } = DomainReason.running;
  if (run.domain.status.state === DomainState.paused)
    await run.power.resume(timeoutMs, kind === "save" ? saveCanceled : unpaused);
}

/** A full disk is QEMU's to notice, and it does not say so: what the file system answers to us is the better word. */
export async function writeFailure(path: string, what: string, words: string | undefined): Promise<VirError> {
  const reason = words ?? (await spaceComplaint(path)) ?? "QEMU gives no reason";
  const detail = `cannot ${what} the domain to '${path}': ${reason}`;
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
}

/** Writes a little more behind what there is. */
async function spaceComplaint(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, "a");
    await file.write(Buffer.alloc(64 * 1024));
    await file.sync();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOSPC" ? "No space left on device" : (error as Error).message;
  }
}

async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  return write().catch((error: unknown) => {
    throw systemError(error, `Failed to write to file '${path}'`);
  });
}

async function completeOf(file: Awaited<ReturnType<typeof openFile>>): Promise<SaveImage> {
  const image = await readImage(file);
  if (!image.isComplete) {
    const detail = "save image is incomplete";
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
  }
  checkPlain(image);
  return image;
}

function checkPlain({ isCompressed }: SaveImage): void {
  if (!isCompressed) return;
  const detail = 'the image is compressed: save the domain again with save_image_format = "raw"';
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}

/** Memory belongs to one guest. */
function checkSame(one: Definition, other: Definition): void {
  for (const what of ["name", "uuid"] as const) {
    if (one[what] === other[what]) continue;
    const detail = `Target domain ${what} ${other[what]} does not match source ${one[what]}`;
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
  }
}
