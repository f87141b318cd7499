import type { AsyncWork, Completion, Definition, Domain } from "../../model/index.ts";
import { type DomainEvent, DomainReason, ErrorDomain, type VirError } from "../../protocol/index.ts";
import { MonitorClosedError } from "../../qmp/index.ts";
import { DomainTurns, type Patience } from "../domain-turns.ts";
import { bootWithPorts } from "./booting.ts";
import { GuestContext } from "./command-line/index.ts";
import { checkNames } from "./definition/schema.ts";
import { closed, notRunning, toVirError } from "./errors.ts";
import type { GuestCare } from "./guest-care.ts";
import type { GuestsOptions } from "./guests-options.ts";
import type { SharedResources } from "./host-side/shared-resources.ts";
import { Run } from "./run.ts";
import type { RunRecord } from "./run-record.ts";
import type { BootManner } from "./run-surroundings.ts";
import { Lending } from "./security/lending.ts";

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
export class Guests extends DomainTurns {
  readonly #options: GuestsOptions;
  /** Of files, to runs. */
  readonly lending: Lending;
  readonly #runs = new Map<Domain, Run>();
  readonly #watchers = new Set<(run: Run, domain: Domain) => void>();
  /** Runs that have ended, whose end is not yet on its way to everybody: their records stay so long. */
  readonly #leaving = new Set<Promise<void>>();
  /** The same by the UUID of the domain: the next run's record would take the place of one that is still needed. */
  readonly #toldLast = new Map<string, Promise<void>>();
  /** Companions of runs that have ended, by the UUID of the domain: the next run is not to meet them. */
  readonly #servedLast = new Map<string, Promise<void>>();
  #lastId = 0;
  #sequence = 0;

  constructor(options: GuestsOptions) {
    super(options, { domain: ErrorDomain.qemu, closed, toVirError });
    this.#options = options;
    this.lending = new Lending(options, (domain) => this.#runs.get(domain));
  }

  /** What every definition that comes from outside is completed with. */
  get complete(): Completion {
    return this.#options.complete;
  }

  /** What devices may have of the machine, if anything. */
  get shared(): SharedResources | undefined {
    return this.#options.shared;
  }

  /** Where the sockets of a guest's channels are. */
  channelDirectory({ uuid }: Domain): string {
    return this.#options.records.channelDirectory(uuid);
  }

  /** For the devices of a guest that runs. */
  contextOf(definition: Definition): GuestContext {
    return new GuestContext(definition, this.#options.partsOptions(definition));
  }

  /** Calls for every run there is, and for every one that begins from here on. */
  watchRuns(listener: (run: Run, domain: Domain) => void): void {
    this.#watchers.add(listener);
    for (const [domain, run] of this.#runs) listener(run, domain);
  }

  /** Set before `load`. */
  care: GuestCare | undefined;

  /** Undefined while the domain does not run. */
  runOf(domain: Domain): Run | undefined {
    return this.#runs.get(domain);
  }

  async load(): Promise<void> {
    const running = this.#options.records.readAll(await this.loadDefinitions());
    this.#lastId = Math.max(0, ...running.map(({ id }) => id));
    for (const record of running) this.attempt(() => this.#adopt(record));
    for (const uuid of this.#options.loans?.borrowers ?? []) this.#takeBackFrom(uuid);
  }

  /** A guest that left no record of its run has been gone since before the machine was booted, or has never begun. */
  #takeBackFrom(uuid: string): void {
    for (const domain of this.#runs.keys()) if (domain.uuid === uuid) return;
    try {
      this.#options.records.checkFree(uuid);
    } catch {
      // It may be running.
      return;
    }
    this.#options.loans?.takeBack(uuid);
  }

  async close(): Promise<void> {
    this.shut();
    for (const run of this.#runs.values()) run.release();
    await this.settled();
    await Promise.allSettled(this.#leaving);
    this.#options.records.close();
  }

  /** Tells what has happened to a domain. */
  publish(event: DomainEvent): void {
    void this.#options.publish(event);
  }

  /** Forgets what companions keep for a domain. Under its job, or when it is gone. */
  async forgetState(uuid: string): Promise<void> {
    await this.#options.forgetState?.(uuid);
  }

  /** As `readWith`; `validate` refuses what libvirt's schema has not. */
  read(xml: string, { signal }: Patience, validate = false): Promise<Definition> {
    return this.readWith(xml, signal, (root, given) => {
      if (validate) checkNames(root, given);
      this.#options.complete(root, given);
    });
  }

  /** As `onRun`, for what takes long. */
  async onRunAtLength<T>(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, work: AsyncWork) => Promise<T>,
  ): Promise<T> {
    const meant = domain.incarnation;
    return this.atLength(domain, operation, patience, async (work) =>
      act(this.#runFor(domain, meant, notRunning), work),
    );
  }

  async onRun<T>(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, timeoutMs: number) => Promise<T> | T,
    missing: () => VirError = notRunning,
  ): Promise<T> {
    const meant = domain.incarnation;
    return this.exclusively(domain, operation, patience, async () =>
      act(this.#runFor(domain, meant, missing), this.timeLeft(patience)),
    );
  }

  /** Throws when the domain, or the run that was meant when the wait began, is not there any more. */
  #runFor(domain: Domain, meant: Domain["incarnation"], missing: () => VirError): Run {
    this.checkExists(domain);
    const run = this.#runs.get(domain);
    if (run === undefined || (meant !== undefined && run.incarnation !== meant)) throw missing();
    return run;
  }

  async boot(domain: Domain, definition: Definition, manner: BootManner): Promise<void> {
    await this.#servedLast.get(domain.uuid);
    await this.#toldLast.get(domain.uuid);
    this.checkOpen();
    this.#options.records.checkFree(domain.uuid);
    const begin = (): Run => this.#begin(domain, definition, ++this.#lastId, this.#options.position?.());
    await bootWithPorts(begin, () => this.#options.plan(definition), manner);
  }

  /**
   * Takes up a guest that was running when the daemon before us went. Its state is there when this returns; the job
   * lasts until its QEMU has answered, and meanwhile others wait their own time for it. Throws VirError when the domain
   * contradicts another; what fails later is reported, and the record stays.
   */
  #adopt(record: RunRecord): void {
    const { host, records, report, toldOf } = this.#options;
    const { id, process, definition, since, job } = record;
    const domain = this.list.claim(definition);
    const work = this.exclusively(domain, "reconnect", {}, async () => {
      const connected = host.find(process, records.monitorPath(definition.uuid));
      const told = since === undefined ? undefined : toldOf?.(definition.uuid, since);
      const run = this.#begin(domain, definition, id, since);
      await run.adopt(connected, record, told);
      if (job !== undefined) await this.care?.recover(run, job);
      if (!run.hasEnded) await this.care?.reconcile(run);
      if (!run.hasEnded) await this.care?.onTakenUp(domain);
    });
    work.catch(report);
  }

  #begin(domain: Domain, definition: Definition, id: number, since: number | undefined): Run {
    const options = this.#options;
    const onGone = (served: Promise<void> | undefined): void => {
      this.#cleanUp(domain, served);
      options.loans?.takeBack(domain.uuid);
      this.#runs.delete(domain);
      this.list.release(domain);
    };
    const surroundings = {
      ...options,
      onGone,
      forget: (told: Promise<void> | undefined) => this.#forgetRun(domain, told),
      react: (operation: string, act: () => Promise<void>) => this.#react(domain, operation, act),
      keepCrash: async (run: Run) => this.care?.keepCrash(run),
      note: (text: string) => options.note?.(domain.definition ?? definition, text),
    };
    const run = new Run(surroundings, domain, { id, sequence: ++this.#sequence }, definition, since);
    this.#runs.set(domain, run);
    for (const listener of this.#watchers) listener(run, domain);
    return run;
  }

  /** What companions have written last is complete when they are gone. */
  #cleanUp(domain: Domain, served: Promise<void> | undefined): void {
    const { uuid, persistent, status } = domain;
    const isOver = persistent === undefined && status.reason !== DomainReason.shutoff.saved;
    if (served === undefined && !isOver) return;
    const ending = Promise.resolve(served)
      .then(() => (isOver ? this.forgetState(uuid) : undefined))
      .catch(this.#options.report)
      .finally(() => {
        this.#leaving.delete(ending);
        if (this.#servedLast.get(uuid) === ending) this.#servedLast.delete(uuid);
      });
    this.#servedLast.set(uuid, ending);
    this.#leaving.add(ending);
  }

  /** The next run's record is not the one that is to go. */
  #forgetRun({ uuid }: Domain, told: Promise<void> | undefined): void {
    const { records, report } = this.#options;
    const remove = (): void => {
      for (const domain of this.#runs.keys()) if (domain.uuid === uuid) return;
      this.attempt(() => records.remove(uuid));
    };
    if (told === undefined) return remove();
    const leaving: Promise<void> = told.then(remove, report).finally(() => {
      this.#leaving.delete(leaving);
      if (this.#toldLast.get(uuid) === leaving) this.#toldLast.delete(uuid);
    });
    this.#toldLast.set(uuid, leaving);
    this.#leaving.add(leaving);
  }

  /** A domain that has gone meanwhile needs nothing any more. */
  #react(domain: Domain, operation: string, act: () => Promise<void>): void {
    const run = this.#runs.get(domain);
    this.exclusively(domain, operation, {}, act).catch((error: unknown) => {
      // One whose monitor is closed is ending already.
      const isEnding = error instanceof Error && error.cause instanceof MonitorClosedError;
      if (this.isClosed || run === undefined || run.hasEnded || isEnding) return;
      this.#options.report(error);
      // It stands still, and nobody else would see to it.
      run.destroy(false);
    });
  }
}
