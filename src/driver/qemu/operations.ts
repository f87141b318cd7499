import { Breather, type Loop } from "../../event/index.ts";
import { Definition, type DefinitionStore, type Domain, DomainList, type JobRequest } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, Lifecycle, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { completeDefinition } from "./binary.ts";
import { closed, invalid, notRunning, toVirError } from "./errors.ts";
import type { LaunchPlan, QemuHost } from "./host.ts";
import { Run } from "./run.ts";
import type { RunRecord, RunRecords } from "./run-record.ts";

/** How long the caller waits, for its turn and for QEMU. */
export type Patience = Pick<JobRequest, "deadline" | "signal">;

export interface OperationsOptions {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly store: Pick<DefinitionStore, "load" | "save" | "remove">;
  readonly records: Pick<RunRecords, "monitorPath" | "checkFree" | "write" | "remove" | "readAll" | "close">;
  /** From launch to the monitor's readiness. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  /** Checks what the guest needs, and says how to launch it. */
  readonly plan: (definition: Definition) => Promise<LaunchPlan>;
  /** Numbers of Lifecycle. */
  readonly publish: (domain: WireDomain, event: number, detail: number) => void;
  /** Hears of what went wrong where no caller is to be told. */
  readonly report: (error: unknown) => void;
}

/** How long QEMU may take for a command when the caller has not said. */
const commandMs = 30_000;

/**
 * What can be done with domains. Each change runs as a job of its domain, so that one waits for the other; after the
 * wait it looks again whether the domain is there, and whether the run it was meant for is.
 *
 *     open -> closed
 *
 * load:  open, before everything else: takes up definitions and running guests, and waits for none of these.
 * close: open -> closed; running guests run on, starts under way are given up, and what is waiting fails.
 * All others: open; they reject with VirError.
 */
export class Operations {
  readonly #domains: DomainList;
  readonly #options: OperationsOptions;
  readonly #breather: Breather;
  readonly #runs = new Map<Domain, Run>();
  readonly #underWay = new Set<Promise<unknown>>();
  #lastId = 0;
  #sequence = 0;
  #closed = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#breather = new Breather(options.loop);
    this.#domains = new DomainList(options.loop, ErrorDomain.qemu);
  }

  /** Throws VirError when closed. */
  get domains(): DomainList {
    this.#checkOpen();
    return this.#domains;
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

  async define(xml: string, patience: Patience): Promise<WireDomain> {
    const definition = await this.#read(xml, patience);
    const domain = this.#domains.claim(definition);
    return this.#exclusively(domain, "define", patience, async () => {
      await this.#options.store.save(definition);
      const isUpdate = domain.define(definition);
      const { event, detail } = Lifecycle.defined;
      this.#options.publish(domain.reference, event, isUpdate ? detail.updated : detail.added);
      return domain.reference;
    });
  }

  async undefine(domain: Domain, patience: Patience): Promise<void> {
    await this.#exclusively(domain, "undefine", patience, async () => {
      this.#checkExists(domain);
      if (domain.persistent === undefined) throw invalid("cannot undefine transient domain");
      await this.#options.store.remove(domain.uuid);
      domain.undefine();
      this.#options.publish(domain.reference, Lifecycle.undefined.event, Lifecycle.undefined.detail.removed);
    });
  }

  /** Runs a domain that is forgotten when it ends, unless it is also defined. */
  async create(xml: string, paused: boolean, patience: Patience): Promise<WireDomain> {
    const definition = await this.#read(xml, patience);
    const domain = this.#domains.claim(definition);
    return this.#exclusively(domain, "create", patience, async () => {
      if (domain.incarnation !== undefined) throw alreadyActive(domain);
      await this.#boot(domain, definition, paused);
      return domain.reference;
    });
  }

  async start(domain: Domain, paused: boolean, patience: Patience): Promise<WireDomain> {
    return this.#exclusively(domain, "start", patience, async () => {
      this.#checkExists(domain);
      if (domain.incarnation !== undefined) throw invalid("domain is already running");
      await this.#boot(domain, domain.persistent as Definition, paused);
      return domain.reference;
    });
  }

  suspend(domain: Domain, patience: Patience): Promise<void> {
    return this.#onRun(domain, "suspend", patience, (run, timeoutMs) => run.suspend(timeoutMs));
  }

  resume(domain: Domain, patience: Patience): Promise<void> {
    return this.#onRun(domain, "resume", patience, (run, timeoutMs) => run.resume(timeoutMs));
  }

  reset(domain: Domain, patience: Patience): Promise<void> {
    return this.#onRun(domain, "reset", patience, (run, timeoutMs) => run.reset(timeoutMs));
  }

  /** `byAgent`: by nothing else. */
  shutdown(domain: Domain, byAgent: boolean, patience: Patience): Promise<void> {
    const act = (run: Run, timeoutMs: number): Promise<void> => run.shutdown(byAgent, timeoutMs);
    return this.#onRun(domain, "shutdown", patience, act, () => invalid("domain is not running"));
  }

  /** Ends the run that there is now, at once: a job that waits for this QEMU fails, and then it is our turn. */
  async destroy(domain: Domain, gracefully: boolean, patience: Patience): Promise<void> {
    this.#checkOpen();
    const run = this.#runs.get(domain) ?? fail(notRunning());
    run.destroy(gracefully);
    await this.#exclusively(domain, "destroy", patience, () => run.gone(gracefully));
  }

  /** The process of a running domain. */
  pidOf(domain: Domain): number | undefined {
    return this.#runs.get(domain)?.pid;
  }

  /**
   * While a job of it is under way or waiting a domain keeps its place in the list even if it does not exist: it may be
   * about to.
   */
  async #exclusively<T>(domain: Domain, operation: string, patience: Patience, body: () => Promise<T>): Promise<T> {
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
  async #read(xml: string, { signal }: Patience): Promise<Definition> {
    const pause = async (): Promise<void> => {
      await this.#breather.breathe();
      signal?.throwIfAborted();
      this.#checkOpen();
    };
    const definition = await Definition.parseWithPauses(xml, pause, completeDefinition);
    this.#checkOpen();
    return definition;
  }

  async #onRun(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, timeoutMs: number) => Promise<void>,
    missing: () => VirError = notRunning,
  ): Promise<void> {
    const meant = domain.incarnation;
    await this.#exclusively(domain, operation, patience, async () => {
      this.#checkExists(domain);
      const run = this.#runs.get(domain);
      if (run === undefined || (meant !== undefined && run.incarnation !== meant)) throw missing();
      await act(run, this.#timeLeft(patience));
    });
  }

  async #boot(domain: Domain, definition: Definition, paused: boolean): Promise<void> {
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
    const work = this.#exclusively(domain, "reconnect", {}, async () => {
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
    return run;
  }

  #timeLeft({ deadline }: Patience): number {
    return deadline === undefined ? commandMs : Math.max(0, deadline - this.#options.loop.now());
  }

  #checkExists(domain: Domain): void {
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

function alreadyActive({ name }: Domain): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, `domain '${name}' is already active`);
}

function fail(error: Error): never {
  throw error;
}
