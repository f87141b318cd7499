import type { Loop } from "../../event/index.ts";
import type { DomainInfo } from "../../libxl/index.ts";
import type { Definition, DefinitionStore, Domain } from "../../model/index.ts";
import { type DomainEvent, DomainReason, DomainState, ErrorDomain, Lifecycle } from "../../protocol/index.ts";
import { withName } from "../domain-name.ts";
import { DomainTurns, type Patience } from "../domain-turns.ts";
import { checkNames } from "../qemu/definition/schema.ts";
import { type Change, modify } from "../qemu/modification.ts";
import { Adoption } from "./adoption.ts";
import { Aftermath } from "./aftermath.ts";
import { Builder, type Built } from "./builder.ts";
import { completeDefinition } from "./definition/complete.ts";
import { domainZeroDefinition, isDomainZero } from "./domain-zero.ts";
import { closed, invalid, notRunning, toVirError } from "./errors.ts";
import { ForeignChanges } from "./foreign-changes.ts";
import { LettingGo } from "./letting-go.ts";
import { endings, Run, type RunSurroundings } from "./run.ts";
import type { RunEnding, RunRecords } from "./run-record.ts";
import type { Saves } from "./saves.ts";
import { TakingUp } from "./taking-up.ts";
import type { DomainNews, Xen } from "./xen.ts";

/** What has been told of a run. */
export interface Told {
  readonly isStarted: boolean;
  readonly isEnded: boolean;
  /** Its guest has shut down or crashed, and its domain is kept. */
  readonly isDown?: boolean;
  /** As the last event of that kind left it. */
  readonly isPaused?: boolean;
  /** There was one. */
  readonly hasPaused?: boolean;
}

export interface GuestsOptions {
  readonly loop: Loop;
  readonly xen: Xen;
  /** Absent: domains that others make are seen when the driver opens, and not after. */
  readonly news?: DomainNews;
  readonly store: Pick<DefinitionStore, "load" | "save" | "remove">;
  readonly records: Pick<RunRecords, "write" | "remove" | "readAll" | "close">;
  /** Says where a display without a port of its own listens. */
  readonly freePort: (first: number) => Promise<number>;
  /** Resolves when no sudden end of ours makes it untold; undefined: it is so already. */
  readonly publish: (event: DomainEvent) => Promise<void> | undefined;
  /** Resolves when everybody has been told of all that was published. Absent: at once. */
  readonly told?: () => Promise<void>;
  /** Resolves when what the drivers before us have asked libxl for has come to its end. */
  readonly predecessors: Promise<void>;
  /** The number of the last event. */
  readonly position?: () => number;
  /** What has been told of the domain behind that number: by the daemon before us. Absent: all that it knew. */
  readonly toldOf?: (uuid: string, since: number) => Told;
  /** Hears of what went wrong where no caller is to be told. */
  readonly report: (error: unknown) => void;
}

/** How a run begins. */
export interface BootManner {
  readonly paused: boolean;
  /** The file whose memory it goes on with, and how much of it is another's at its start; absent: it begins anew. */
  readonly from?: { readonly path: string; readonly skip: number } | undefined;
  /** A run whose domain is gone and which is told to have ended, for that reason, when the next one takes its place. */
  readonly replaces?: { readonly run: Run; readonly ending: RunEnding };
}

/**
 * The domains of the driver and their runs, and who may change them: the one place where a call waits for its turn, and
 * looks again afterwards whether the domain is there, and whether the run it was meant for is.
 *
 *     open -> closed
 *
 * load:  open, before everything else: takes up definitions, and every domain that Xen has.
 * close: open -> closed; running guests run on, and what is waiting fails.
 * All others: open; they reject with VirError.
 */
export class Guests extends DomainTurns {
  readonly #options: GuestsOptions;
  readonly #builder: Builder;
  readonly #lettingGo: LettingGo;
  readonly #takingUp: TakingUp;
  readonly #adoption: Adoption;
  readonly #aftermath: Aftermath;
  readonly #foreign: ForeignChanges;
  readonly #runs = new Map<Domain, Run>();
  readonly #leaving = new Set<Promise<void>>();
  #sequence = 0;
  #saves: Pick<Saves, "keepCrash" | "hasManaged" | "removeManaged"> | undefined;

  constructor(options: GuestsOptions) {
    super(options, { domain: ErrorDomain.libxl, closed, toVirError });
    this.#options = options;
    this.#builder = new Builder(options);
    this.#lettingGo = new LettingGo(options.xen, this.#builder);
    this.#aftermath = new Aftermath(options, this.#builder, {
      isClosed: () => this.isClosed,
      exclusively: (domain, body) =>
        this.exclusively(domain, "end", { kind: "destroy", deadline: Number.POSITIVE_INFINITY }, body),
      end: (run, ending) => this.end(run, ending),
      begin: (domain, built, since) => this.#begin(domain, built, since),
      letGo: (run) => this.#lettingGo.letGo(run, { paused: false, isRestored: false }),
      keepCrash: async (run) => this.#saves?.keepCrash(run),
    });
    this.#foreign = new ForeignChanges(options, (run, name) => this.#heedName(run, name));
    this.#takingUp = new TakingUp(options, this.#lettingGo, {
      list: this.list,
      saves: () => this.#saves,
      exclusively: (domain, operation, kind, body) =>
        this.exclusively(domain, operation, { kind, deadline: Number.POSITIVE_INFINITY }, body),
      begin: (domain, built, since) => this.#begin(domain, built, since),
      end: (run, ending) => this.end(run, ending),
      goOn: (run) => this.goOn(run),
      reconcile: () => this.reconcile(),
    });
    this.#adoption = new Adoption(options, this.#builder, {
      runs: () => this.#runs.values(),
      adopt: (definition, domid, isPaused, record) => this.#takingUp.adopt(definition, domid, isPaused, record),
      forget: (uuid) => this.#forget(uuid, this.#options.told?.()),
      attempt: (action) => this.attempt(action),
    });
    this.#builder.onFailed = () => void this.reconcile().catch(options.report);
  }

  /** Whose memory is in files. Set before `load`. */
  set saves(saves: Pick<Saves, "keepCrash" | "hasManaged" | "removeManaged">) {
    this.#saves = saves;
    this.#lettingGo.saves = saves;
  }

  get xen(): Xen {
    return this.#options.xen;
  }

  publish(event: DomainEvent): void {
    void this.#options.publish(event);
  }

  tell(domain: Domain, event: number, detail: number): void {
    this.publish({ name: "lifecycle", dom: domain.reference, event, detail });
  }

  /** Undefined while the domain does not run, and for domain 0. */
  runOf(domain: Domain): Run | undefined {
    return this.#runs.get(domain);
  }

  /** A domain as Xen has it now; undefined: it does not run. */
  async lookAt(domain: Domain): Promise<DomainInfo | undefined> {
    const { id } = domain;
    if (id < 0 || (id === 0 && !isDomainZero(domain))) return undefined;
    const info = await this.xen.domain(id);
    // Meanwhile its number may be another's.
    return info?.uuid === domain.uuid ? info : undefined;
  }

  async load(): Promise<void> {
    const { records, xen } = this.#options;
    const [zero] = await Promise.all([xen.domain(0), this.#builder.load()]);
    if (zero !== undefined) {
      const definition = domainZeroDefinition(zero);
      const domain = this.list.claim(definition);
      domain.define(definition);
      const incarnation = { id: 0, sequence: ++this.#sequence };
      domain.begin(incarnation, definition);
      domain.move(incarnation, { state: DomainState.running, reason: DomainReason.running.unknown });
    }
    await this.#adoption.load(records.readAll(await this.loadDefinitions()));
  }

  /** Looks whether Xen has what we know, as `news` has it done. */
  reconcile(): Promise<void> {
    return this.#adoption.reconcile();
  }

  async close(): Promise<void> {
    this.shut();
    this.#adoption.close();
    this.#foreign.close();
    // What takes as long as a disk does is cut short; all else comes to its own end soon.
    this.#builder.close();
    for (const { jobs } of this.list) jobs.abortAsync(closed());
    for (const run of this.#runs.values()) run.interrupt(closed());
    await this.settled();
    await this.#adoption.settled();
    // Not before: what is under way may begin one, and comes to its own end.
    for (const run of this.#runs.values()) run.release();
    await Promise.allSettled(this.#leaving);
    this.#options.records.close();
    await this.#options.xen.close();
  }

  /** A change of the run that there is when it is asked for, and no other. */
  onRun<T>(
    domain: Domain,
    operation: string,
    patience: Patience,
    act: (run: Run, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    checkNotZero(domain);
    const meant = domain.incarnation;
    return this.exclusively(domain, operation, patience, () =>
      act(this.runFor(domain, meant), this.timeLeft(patience)),
    );
  }

  /** A change of the run, of the persistent definition, or of both. A run whose guest has ended is none. */
  modify<T>(
    domain: Domain,
    flags: number,
    operation: string,
    patience: Patience,
    body: (change: Change<Run>) => Promise<T>,
  ): Promise<T> {
    checkNotZero(domain);
    return modify(this, domain, flags, operation, patience, (change) => {
      if (change.run?.shutdown !== undefined) throw notRunning();
      return body(change);
    });
  }

  /** Throws when the domain, or the run that was meant when the wait began, is not there any more, or not alive. */
  runFor(domain: Domain, meant: Domain["incarnation"]): Run {
    this.checkExists(domain);
    const run = this.#runs.get(domain);
    if (run === undefined || (meant !== undefined && run.incarnation !== meant)) throw notRunning();
    if (run.shutdown !== undefined) throw notRunning();
    return run;
  }

  /** `validate` refuses what libvirt's schema has not. */
  read(xml: string, { signal }: Patience, validate = false): Promise<Definition> {
    return this.readWith(xml, signal, (root, given) => {
      if (validate) checkNames(root, given);
      completeDefinition(root, given);
    });
  }

  /** Starts it. What fails leaves nothing behind. Under the domain's job. */
  async boot(domain: Domain, definition: Definition, manner: BootManner): Promise<void> {
    const since = this.#options.position?.();
    const run = await this.#builder.build(domain, definition, manner, (built) => this.#begin(domain, built, since));
    await this.#lettingGo.letGo(run, { paused: manner.paused, isRestored: manner.from !== undefined });
  }

  /** Ends a run's domain, and tells why. Under the domain's job. */
  async end(run: Run, ending: RunEnding): Promise<void> {
    run.expect(ending);
    await this.#builder.destroy(run.domid).catch((error: unknown) => {
      run.expect(undefined);
      throw error;
    });
    run.finish(ending);
  }

  /**
   * After a save that has failed: libxl leaves the guest suspended when it had come so far. One that cannot go on has ended.
   * False when it was not suspended. Under the domain's job.
   */
  async goOn(run: Run): Promise<boolean> {
    const { xen, report } = this.#options;
    if (!(await this.#isSuspended(run))) return false;
    for (let tries = 0; tries < 2; tries++) {
      await xen.resume(run.domid).catch(report);
      if (!(await this.#isSuspended(run))) return true;
    }
    await this.end(run, endings.failed);
    return true;
  }

  async #isSuspended(run: Run): Promise<boolean> {
    const info = await this.#options.xen.domain(run.domid);
    const isSuspended = info?.shutdown === true && info.shutdownReason === "suspend" && !info.dying;
    return isSuspended && !run.hasEnded && !run.isUnwanted;
  }

  /** Another name for a domain, its definition, and what is told. Under the domain's job. */
  async giveName(domain: Domain, name: string): Promise<void> {
    const before = domain.reference;
    const { persistent } = domain;
    if (persistent === undefined) this.list.rename(domain, name);
    else await this.rename(domain, withName(persistent, name));
    const run = this.#runs.get(domain);
    if (domain.definition !== undefined) run?.describe(withName(domain.definition, name));
    const { undefined: gone, defined } = Lifecycle;
    this.publish({ name: "lifecycle", dom: before, event: gone.event, detail: gone.detail.renamed });
    this.tell(domain, defined.event, defined.detail.renamed);
  }

  /** Others have called the domain of the run so. */
  #heedName(run: Run, name: string): Promise<void> {
    const { domain } = run;
    return this.exclusively(domain, "rename", { deadline: Number.POSITIVE_INFINITY }, async () => {
      if (!run.hasEnded && domain.name !== name) await this.giveName(domain, name);
    });
  }

  #begin(domain: Domain, { definition, domid }: Built, since: number | undefined): Run {
    const around: RunSurroundings = {
      xen: this.#options.xen,
      records: this.#options.records,
      publish: (event) => this.#options.publish(event),
      onGone: (told) => this.#onGone(domain, run, told),
      onShutdown: (shut, reason) => this.#aftermath.begin(shut, reason),
      onAbandoned: (abandoned) => this.#takingUp.endSave(abandoned),
      report: this.#options.report,
      now: () => this.#options.loop.now(),
    };
    const run: Run = new Run(around, domain, { id: domid, sequence: ++this.#sequence }, definition, since);
    this.#runs.set(domain, run);
    this.#foreign.begin(run);
    return run;
  }

  #onGone(domain: Domain, run: Run, told: Promise<void> | undefined): void {
    if (this.#runs.get(domain) === run) this.#runs.delete(domain);
    this.#foreign.end(run);
    this.list.release(domain);
    // What the daemon before us was building for it may come about yet.
    if (!run.isReplaced || !this.#adoption.isAwaited(domain.uuid)) this.#forget(domain.uuid, told);
  }

  #forget(uuid: string, told: Promise<void> | undefined): void {
    const forget = (): void => {
      const domain = this.list.find(uuid);
      // The next run's record is not the one that is to go.
      if ((domain !== undefined && this.#runs.has(domain)) || this.#builder.isBuilding(uuid)) return;
      this.attempt(() => this.#options.records.remove(uuid));
    };
    if (told === undefined) return forget();
    const leaving: Promise<void> = told.then(forget, this.#options.report).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}

/** Domain 0 is shown like a guest, and is none. */
export function checkNotZero(domain: Pick<Domain, "uuid">): void {
  if (isDomainZero(domain)) throw invalid("Domain-0 does not support requested operation");
}
