import type { Loop } from "../../event/index.ts";
import { Definition, type DefinitionStore, type Domain, DomainList, type JobRequest } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, Lifecycle, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { completeDefinition } from "./binary.ts";
import { closed, invalid, notRunning, toVirError } from "./errors.ts";
import type { LaunchPlan, QemuHost } from "./host.ts";
import { endOrphan } from "./orphan.ts";
import { Run } from "./run.ts";
import type { RunRecord, RunRecords } from "./run-record.ts";

/** How long the caller waits, for its turn and for QEMU. */
export type Patience = Pick<JobRequest, "deadline" | "signal">;

export interface OperationsOptions {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly store: Pick<DefinitionStore, "load" | "save" | "remove">;
  readonly records: Pick<RunRecords, "monitorPath" | "write" | "remove" | "readAll">;
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
 * load:  open, before everything else: takes up definitions and running guests.
 * close: open -> closed; running guests run on, starts under way are given up, and what is waiting fails.
 * All others: open; they reject with VirError.
 */
export class Operations {
  readonly #domains: DomainList;
  readonly #options: OperationsOptions;
  readonly #runs = new Map<Domain, Run>();
  readonly #underWay = new Set<Promise<unknown>>();
  #lastId = 0;
  #sequence = 0;
  #closed = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
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
    for (const { path, error } of unreadable)
      report(new Error(`cannot read ${path}: ${error.message}`, { cause: error }));
    for (const definition of definitions) this.#attempt(() => this.#domains.claim(definition).define(definition));
    const running = records.readAll((path, error) => report(new Error(`cannot read ${path}`, { cause: error })));
    this.#lastId = Math.max(0, ...running.map(({ id }) => id));
    await Promise.all(running.map((record) => this.#adopt(record).catch(report)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#runs.values()) run.release();
    await Promise.allSettled(this.#underWay);
  }

  async define(xml: string, patience: Patience): Promise<WireDomain> {
    const definition = completeDefinition(Definition.parse(xml));
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
    const definition = completeDefinition(Definition.parse(xml));
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

  shutdown(domain: Domain, patience: Patience): Promise<void> {
    return this.#onRun(domain, "shutdown", patience, (run, timeoutMs) => run.shutdown(timeoutMs));
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

  async #onRun(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, timeoutMs: number) => Promise<void>,
  ): Promise<void> {
    const meant = domain.incarnation;
    await this.#exclusively(domain, operation, patience, async () => {
      this.#checkExists(domain);
      const run = this.#runs.get(domain);
      if (run === undefined || (meant !== undefined && run.incarnation !== meant)) throw notRunning();
      await act(run, this.#timeLeft(patience));
    });
  }

  async #boot(domain: Domain, definition: Definition, paused: boolean): Promise<void> {
    await this.#begin(domain, definition, ++this.#lastId).boot(() => this.#options.plan(definition), paused);
  }

  /** Takes up a guest that was running when the daemon before us went. */
  async #adopt({ id, process, status, definition }: RunRecord): Promise<void> {
    const { loop, host, records, report } = this.#options;
    const monitorPath = records.monitorPath(definition.uuid);
    const run = this.#begin(this.#domains.claim(definition), definition, id);
    if (process === undefined) await endOrphan(loop, host.reach(monitorPath)).catch(report);
    await run.adopt(process === undefined ? undefined : host.find(process, monitorPath), status);
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
