import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ProcessEndedError } from "../../libxl/index.ts";
import { type AsyncWork, Definition, DirectoryFiles, type Domain } from "../../model/index.ts";
import { DomainReason, DomainState, ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { withName } from "../domain-name.ts";
import type { Patience } from "../domain-turns.ts";
import { systemError } from "../qemu/save-image.ts";
import { memoryMs } from "./builder.ts";
import { completeDefinition } from "./definition/complete.ts";
import { internal, invalid, notRunning, toVirError } from "./errors.ts";
import { checkNotZero, type Guests } from "./guests.ts";
import { endings, type Run } from "./run.ts";
import { beginImage, completeImage, readImage } from "./save-image.ts";

export interface DumpOptions {
  /** The guest runs on meanwhile. */
  readonly live: boolean;
  /** And ends then. */
  readonly crash: boolean;
}

const suffix = ".save";

/** The memory of guests, in files. All reject with VirError. */
export class Saves {
  readonly #guests: Guests;
  readonly #directory: string;
  readonly #dumpDirectory: string;
  readonly #managed = new Set<string>();

  constructor(guests: Guests, directory: string, dumpDirectory: string) {
    this.#guests = guests;
    this.#directory = directory;
    this.#dumpDirectory = dumpDirectory;
  }

  async load(): Promise<void> {
    for (const directory of [this.#directory, this.#dumpDirectory]) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    }
    for (const name of await readdir(this.#directory)) {
      if (name.endsWith(suffix)) this.#managed.add(name.slice(0, -suffix.length));
      // What was being written when the driver before us ended is no use.
      else if (name.endsWith(`${suffix}.new`)) await rm(join(this.#directory, name), { force: true });
    }
  }

  hasManaged({ uuid }: Domain): boolean {
    return this.#managed.has(uuid);
  }

  managedPath({ uuid }: Domain): string {
    return join(this.#directory, `${uuid}${suffix}`);
  }

  /** Ends the guest once all of it is in the file. */
  save(domain: Domain, path: string, patience: Patience): Promise<void> {
    return this.#atLength(domain, "save", patience, (run, work) => this.#write(run, path, work));
  }

  /** The next start goes on from it. */
  saveManaged(domain: Domain, patience: Patience): Promise<void> {
    return this.#atLength(domain, "managed save", patience, async (run, work) => {
      if (domain.persistent === undefined) throw invalid("cannot do managed save for transient domain");
      await this.#write(run, this.managedPath(domain), work, () => this.#managed.add(domain.uuid));
    });
  }

  /** Nothing when there is none. Under the domain's job. */
  async removeManaged(domain: Domain): Promise<void> {
    if (!this.hasManaged(domain)) return;
    await rm(this.managedPath(domain), { force: true });
    this.#managed.delete(domain.uuid);
    await this.#sync();
  }

  /** The image goes before the guest goes on; when that cannot be restored it stays. Under the domain's job. */
  async resumeManaged(domain: Domain, paused: boolean): Promise<void> {
    const path = this.managedPath(domain);
    const { xml, offset } = await readImage(path);
    const saved = Definition.parse(xml, completeDefinition);
    // Who was renamed since then goes on by its new name.
    const definition = saved.name === domain.name ? saved : withName(saved, domain.name);
    if (definition.uuid !== domain.uuid)
      throw internal(`the saved guest in '${path}' is another than '${domain.name}'`);
    await this.#guests.boot(domain, definition, { paused, from: { path, skip: offset } });
  }

  /** A guest from a file that `save` has written; `xml` in the place of its definition. */
  async restore(path: string, xml: string | undefined, paused: boolean, patience: Patience): Promise<void> {
    const image = await readImage(path);
    const saved = await this.#guests.read(image.xml, patience);
    const definition = xml === undefined ? saved : await this.#guests.read(xml, patience);
    if (definition.uuid !== saved.uuid || definition.name !== saved.name) {
      const detail = `Target domain uuid ${definition.uuid} does not match source ${saved.uuid}`;
      throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
    }
    await this.#guests.claimed(definition, "restore", patience, async (domain) => {
      if (domain.incarnation !== undefined) throw invalid(`domain '${domain.name}' is already active`);
      await this.#guests.boot(domain, definition, { paused, from: { path, skip: image.offset } });
    });
  }

  /** The definition in an image. */
  async readXml(path: string): Promise<string> {
    return (await readImage(path)).xml;
  }

  dump(domain: Domain, path: string, { live, crash }: DumpOptions, patience: Patience): Promise<void> {
    return this.#atLength(domain, "dump", patience, async (run, work) => {
      const pauses = !live && domain.status.state === DomainState.running;
      if (pauses) {
        await this.#guests.xen.pause(run.domid);
        run.move({ state: DomainState.paused, reason: DomainReason.paused.dump });
      }
      try {
        await this.#dump(run, path, work.signal);
      } finally {
        if (pauses && !crash && !run.hasEnded) {
          await this.#guests.xen.unpause(run.domid);
          run.move({ state: DomainState.running, reason: DomainReason.running.unpaused });
        }
      }
      if (crash && !run.hasEnded) await this.#guests.end(run, endings.crashed);
    });
  }

  /** A guest that has crashed, beside those before it, unless the run is interrupted. Under the domain's job. */
  async keepCrash(run: Run): Promise<void> {
    const moment = new Date().toISOString().replace(/[:.]/g, "-");
    await this.#dump(run, join(this.#dumpDirectory, `${run.domain.name}-${moment}.dump`), run.interruption);
  }

  async #dump(run: Run, path: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#guests.xen.dump(run.domid, path, { timeoutMs: memoryMs, signal });
    } catch (error) {
      throw toVirError(error, `dump core of domain '${run.domid}' to '${path}'`);
    }
  }

  async #write(run: Run, path: string, work: AsyncWork, onComplete: () => void = () => {}): Promise<void> {
    const { domain } = run;
    if (domain.status.state !== DomainState.running) {
      throw invalid(`Domain '${run.domid}' has to be running because libxenlight will suspend it`);
    }
    const definition = domain.definition ?? domain.persistent;
    if (definition === undefined) throw notRunning();
    // Beside, so that what was there is gone only when there is something better.
    const beside = `${path}.new`;
    const isManaged = path === this.managedPath(domain);
    const place = isManaged ? beside : path;
    const skip = await beginImage(place, definition.toXml());
    run.isSaving = true;
    try {
      await this.#guests.xen.save(run.domid, place, { skip, timeoutMs: memoryMs, signal: work.signal });
      // Nobody after us could tell that all of it is there; a managed image has its name for that.
      if (!isManaged) run.expect(endings.saved);
      await completeImage(place);
      if (isManaged) await this.#put(beside, path);
    } catch (error) {
      run.expect(undefined);
      await rm(place, { force: true });
      const wasSuspended = await this.#guests.goOn(run);
      if (error instanceof ProcessEndedError && !wasSuspended) run.abandonSave();
      else run.isSaving = false;
      throw toVirError(error, `save domain '${run.domid}'`);
    }
    onComplete();
    if (!run.hasEnded) await this.#guests.end(run, endings.saved);
  }

  async #put(beside: string, path: string): Promise<void> {
    try {
      await rename(beside, path);
      await this.#sync().catch(async (error: unknown) => {
        await rm(path, { force: true });
        throw error;
      });
    } catch (error) {
      throw systemError(error, `cannot write domain image '${path}'`);
    }
  }

  /** Which managed images there are is so after a power cut, too: an old one must not meet the guest's disks again. */
  #sync(): Promise<void> {
    return new DirectoryFiles(this.#directory).sync();
  }

  #atLength<T>(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, work: AsyncWork) => Promise<T>,
  ): Promise<T> {
    try {
      checkNotZero(domain);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const meant = domain.incarnation;
    return this.#guests.atLength(domain, operation, patience, async (work) =>
      act(this.#guests.runFor(domain, meant), work),
    );
  }
}
