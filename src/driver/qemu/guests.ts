import { Breather, type Loop } from "../../event/index.ts";
import {
  type Completion,
  Definition,
  type DefinitionStore,
  type Domain,
  DomainList,
  type JobRequest,
} from "../../model/index.ts";
import { type DomainEvent, ErrorDomain, type VirError } from "../../protocol/index.ts";
import { closed, notRunning, toVirError } from "./errors.ts";
import type { LaunchPlan, QemuHost } from "./host.ts";
import { Run } from "./run.ts";
import type { RunRecord, RunRecords } from "./run-record.ts";

/** How long the caller waits, for its turn and for QEMU; and what kind of job it is (default: modify). */
export type Patience = Pick<JobRequest, "deadline" | "signal" | "kind">;

export interface GuestsOptions {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly store: Pick<DefinitionStore, "load" | "save" | "remove">;
  readonly records: Pick<RunRecords, "monitorPath" | "checkFree" | "write" | "remove" | "readAll" | "close">;
  /** From launch to the monitor's readiness. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  /** What every definition that comes from outside is completed with. */
  readonly complete: Completion;
  /** Checks what the guest needs, and says how to launch it. */
  readonly plan: (definition: Definition) => Promise<LaunchPlan>;
  readonly publish: (event: DomainEvent) => void;
  /** Hears of what went wrong where no caller is to be told. */
  readonly report: (error: unknown) => void;
}

/** How long QEMU may take for a command when the caller has not said. */
const commandMs = 30_000;

/**
 * The domains of the driver and their runs, and who may change them: the one place where a call waits for its turn, and
 * looks again afterwards whether the domain is there, and whether the run it was meant for is.
 *
 *     open -> closed
 *
 * load:  open, before everything else: takes up definitions and running guests, and waits for none of these.
 * close: open -> closed; running guests run on, starts under way are given up, and what is waiting fails.
 * All others: open; they reject with VirError.
 */
export class Guests {
  readonly #domains: DomainList;
  readonly #options: GuestsOptions;
  readonly #breather: Breather;
  readonly #runs = new Map<Domain, Run>();
  readonly #watchers = new Set<(run: Run, domain: Domain) => void>();
  readonly #underWay = new Set<Promise<unknown>>();
  #lastId = 0;
  #sequence = 0;
  #closed = false;

  constructor(options: GuestsOptions) {
    this.#options = options;
    this.#breather = new Breather(options.loop);
    this.#domains = new DomainList(options.loop, ErrorDomain.qemu);
  }

  /** Throws VirError when closed. */
  get domains(): DomainList {
    this.#checkOpen();
    return this.#domains;
  }

  get loop(): Loop {
    return this.#options.loop;
  }

  /** Calls for every run there is, and for every one that begins from here on. */
  watchRuns(listener: (run: Run, domain: Domain) => void): void {
    this.#watchers.add(listener);
    for (const [domain, run] of this.#runs) listener(run, domain);
  }

  /** Undefined while the domain does not run. */
  runOf(domain: Domain): Run | undefined {
    return this.#runs.get(domain);
  }

  async load(): Promise<void> {
    const { store, records, report } = this.#options;
    const { definitions, unreadable } = await store.load();
    const complain = (path: string, error: Error): void =>
      report(new Error(`cannot read ${path}: ${error.message}`, { cause: error }));
    for (const { path, error } of unreadable) complain(path, error);
    for (const definition of definitions) this.#attempt(() => this.#domains.claim(definition).define(definition));
    const running = records.readAll(complain);
    this.#lastId = Math.max(0, ...running.map(({ id }) => id));
    for (const record of running) this.#attempt(() => this.#adopt(record));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#runs.values()) run.release();
    await Promise.allSettled(this.#underWay);
    this.#options.records.close();
  }

  /** Tells what has happened to a domain. */
  publish(event: DomainEvent): void {
    this.#options.publish(event);
  }

  /** Makes it the persistent definition, on the disk first; true when it replaced another. Under the domain's job. */
  async keep(domain: Domain, definition: Definition): Promise<boolean> {
    await this.#options.store.save(definition);
    return domain.define(definition);
  }

  /** Forgets the persistent definition. Under the domain's job. */
  async forget(domain: Domain): Promise<void> {
    await this.#options.store.remove(domain.uuid);
    domain.undefine();
  }

  /**
   * While a job of it is under way or waiting a domain keeps its place in the list even if it does not exist: it may be
   * about to.
   */
  async exclusively<T>(domain: Domain, operation: string, patience: Patience, body: () => Promise<T>): Promise<T> {
    const work = domain.jobs.run({ operation, ...patience }, () => {
      this.#checkOpen();
      return body();
    });
    this.#underWay.add(work);
    try {
      return await work;
    } catch (error) {
      throw toVirError(error);
    } finally {
      this.#underWay.delete(work);
      this.#domains.release(domain);
    }
  }

  /** Other calls have their turn while a long one is read. */
  async read(xml: string, { signal }: Patience): Promise<Definition> {
    const pause = async (): Promise<void> => {
      await this.#breather.breathe();
      signal?.throwIfAborted();
      this.#checkOpen();
    };
    const definition = await Definition.parseWithPauses(xml, pause, this.#options.complete);
    this.#checkOpen();
    return definition;
  }

  async onRun<T>(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, timeoutMs: number) => Promise<T> | T,
    missing: () => VirError = notRunning,
  ): Promise<T> {
    const meant = domain.incarnation;
    return this.exclusively(domain, operation, patience, async () => {
      this.checkExists(domain);
      const run = this.#runs.get(domain);
      if (run === undefined || (meant !== undefined && run.incarnation !== meant)) throw missing();
      return act(run, this.timeLeft(patience));
    });
  }

  async boot(domain: Domain, definition: Definition, paused: boolean): Promise<void> {
    this.#options.records.checkFree(domain.uuid);
    await this.#begin(domain, definition, ++this.#lastId).boot(() => this.#options.plan(definition), paused);
  }

  /**
   * Takes up a guest that was running when the daemon before us went. Its state is there when this returns; the job
   * lasts until its QEMU has answered, and meanwhile others wait their own time for it. Throws VirError when the domain
   * contradicts another; what fails later is reported, and the record stays.
   */
  #adopt({ id, process, status, definition }: RunRecord): void {
    const { host, records, report } = this.#options;
    const domain = this.#domains.claim(definition);
    const work = this.exclusively(domain, "reconnect", {}, async () => {
      const connected = host.find(process, records.monitorPath(definition.uuid));
      await this.#begin(domain, definition, id).adopt(connected, status);
    });
    work.catch(report);
  }

  #begin(domain: Domain, definition: Definition, id: number): Run {
    const onGone = (): void => {
      this.#runs.delete(domain);
      this.#domains.release(domain);
    };
    const run = new Run({ ...this.#options, onGone }, domain, { id, sequence: ++this.#sequence }, definition);
    this.#runs.set(domain, run);
    for (const listener of this.#watchers) listener(run, domain);
    return run;
  }

  timeLeft({ deadline }: Patience): number {
    return deadline === undefined ? commandMs : Math.max(0, deadline - this.#options.loop.now());
  }

  checkExists(domain: Domain): void {
    this.#domains.byUuid(domain.uuid, domain.name);
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.report(error);
    }
  }
}
