import type { LibraryEvent, ShutdownReason, Subscription } from "../../libxl/index.ts";
import type { Definition, Domain, DomainStatus, Incarnation } from "../../model/index.ts";
import { type DomainEvent, DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import type { RunEnding, RunRecord, RunStart } from "./run-record.ts";
import type { Xen } from "./xen.ts";

const { shutoff } = DomainReason;
const { stopped } = Lifecycle;

/** As everybody is told of it. */
export const endings = {
  shutdown: { reason: shutoff.shutdown, detail: stopped.detail.shutdown },
  destroyed: { reason: shutoff.destroyed, detail: stopped.detail.destroyed },
  crashed: { reason: shutoff.crashed, detail: stopped.detail.crashed },
  saved: { reason: shutoff.saved, detail: stopped.detail.saved },
  failed: { reason: shutoff.failed, detail: stopped.detail.failed },
} as const satisfies Readonly<Record<string, RunEnding>>;

/** What all runs of a driver have in common. */
export interface RunSurroundings {
  readonly xen: Pick<Xen, "watchDomain">;
  readonly records: { write(record: RunRecord): void };
  publish(event: DomainEvent): Promise<void> | undefined;
  /** The run is over, and the domain inactive; it may not exist any more. `told`: when everybody can hear of it. */
  onGone(told: Promise<void> | undefined): void;
  /** The guest has ended by itself, and its domain is still there. */
  onShutdown(run: Run, reason: ShutdownReason): void;
  /** It was suspended by a save that nobody waits for. */
  onAbandoned(run: Run): void;
  readonly report: (error: unknown) => void;
  readonly now: () => number;
}

/**
 * So long after a save that nobody waits for a suspended guest is taken for its work, and not for that of somebody else who
 * saves it: longer than a guest takes to heed, were it busy.
 */
const abandonedMs = 600_000;

/**
 * One run of a domain, from the moment when Xen has a domain for it until that is gone.
 *
 *     begun -> started -> ended
 *     begun -> ended                (nobody hears of a start that failed)
 *     begun, started -> released    (the guest runs on without us)
 *
 * watch:  begun; what Xen tells before `started` waits for it, so that the start is told first.
 * begin:  begun; from then on whoever finds it has to start it.
 * start:  begun -> started.
 * finish: any -> ended; whoever comes first decides why, and the rest is nothing.
 * abandon: begun -> ended.
 *
 * Own destroy, the guest's end, the domain's death and a look at Xen's list come in any order; `finish` runs once. The
 * events are of this very domain: libxl's watch goes by number and uuid.
 */
export class Run {
  readonly incarnation: Incarnation;
  readonly domain: Domain;
  /** Others have made its domain, and see to it when it reboots. */
  isForeign = false;
  /** The daemon before us was building the domain that takes its place. */
  isReplaced = false;
  /** That its guest has ended and its domain is kept was told before us. */
  isDownTold = false;
  /** How often its state was changed. */
  moves = 0;
  /** Its domain goes, and it stays until the next run can take its place. */
  keepsPlace = false;
  #hasTransit = false;
  readonly #around: RunSurroundings;
  /** Where the journal stood when it began. */
  readonly since: number | undefined;
  readonly #early: LibraryEvent[] = [];
  #phase: "begun" | "started" | "ended" | "released" = "begun";
  #subscription: Subscription | undefined;
  #shutdown: ShutdownReason | undefined;
  #expected: RunEnding | undefined;
  #isSaving = false;
  #wishes = 0;
  #abandonedUntil = 0;
  #interruption = new AbortController();
  #start: RunStart | undefined;
  #startedPaused: boolean | undefined;

  constructor(
    around: RunSurroundings,
    domain: Domain,
    incarnation: Incarnation,
    definition: Definition,
    since: number | undefined,
  ) {
    this.#around = around;
    this.since = since;
    this.domain = domain;
    this.incarnation = incarnation;
    domain.begin(incarnation, definition);
  }

  /** Xen's number of the domain. */
  get domid(): number {
    return this.incarnation.id;
  }

  get hasEnded(): boolean {
    return this.#phase === "ended" || this.#phase === "released";
  }

  /** Somebody wants its end: it does not start again. */
  get isUnwanted(): boolean {
    return this.#wishes > 0;
  }

  /** Somebody wants its end, until the function that it returns is called; what holds it up is interrupted. */
  wishEnd(): () => void {
    this.#wishes++;
    this.interrupt(new Error("the domain is to be destroyed"));
    return () => {
      this.#wishes--;
      if (this.#wishes === 0) this.#interruption = new AbortController();
    };
  }

  /** Aborted when what is done to it on nobody's behalf has to stop. */
  get interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  interrupt(reason: Error): void {
    this.#interruption.abort(reason);
  }

  /** Why the guest has ended, while its domain is still there. */
  get shutdown(): ShutdownReason | undefined {
    return this.#shutdown;
  }

  /** Rejects when there is no such domain. */
  async watch(): Promise<void> {
    const subscription = await this.#around.xen.watchDomain(this.domid, (event) => this.#hear(event));
    if (this.hasEnded) subscription.remove();
    else this.#subscription = subscription;
  }

  /** Its domain is complete, and about to be let go. */
  begin(manner: RunStart): void {
    this.#start = manner;
    this.#save();
  }

  /** What the driver before us had begun with it stays written down until it has come to an end. Before `start`. */
  inherit(record: RunRecord): void {
    const { isForeign = false, isSaving = false, hasTransit = false, isBuilding = false } = record;
    const { startedPaused, ending } = record;
    this.isForeign = isForeign;
    this.isReplaced = isBuilding;
    this.#startedPaused = startedPaused;
    if (isSaving) this.#abandonedUntil = this.#around.now() + abandonedMs;
    this.#hasTransit = hasTransit;
    this.#expected = ending;
  }

  /** `detail` is one of Lifecycle.started; undefined: that has been told already. */
  start(status: DomainStatus, detail: number | undefined): void {
    if (this.#phase !== "begun") return;
    this.#phase = "started";
    this.#start = undefined;
    this.#startedPaused ??= status.state === DomainState.paused;
    this.move(status);
    if (detail !== undefined) this.tell(Lifecycle.started.event, detail);
    for (const event of this.#early.splice(0)) this.#hear(event);
  }

  move(status: DomainStatus): void {
    if (this.#phase !== "started") return;
    this.moves++;
    this.domain.move(this.incarnation, status);
    this.#save();
  }

  /** Its guest has ended: libxl's watch tells of one shutdown, and that a save suspended it may have been that one. */
  seeShutdown(reason: ShutdownReason): void {
    this.#hear({ type: "shutdown", domid: this.domid, reason });
  }

  /** Others have paused it, or let it go on: as it was seen. */
  see(isPaused: boolean): void {
    const { state } = this.domain.status;
    const seen = isPaused ? DomainState.paused : DomainState.running;
    const known: readonly number[] = [DomainState.running, DomainState.paused];
    if (this.#phase !== "started" || state === seen || !known.includes(state)) return;
    this.move(seenStatus(isPaused));
    this.tellPaused(isPaused);
  }

  tellPaused(isPaused: boolean): void {
    const { suspended, resumed } = Lifecycle;
    if (isPaused) this.tell(suspended.event, suspended.detail.paused);
    else this.tell(resumed.event, resumed.detail.unpaused);
  }

  /**
   * Its domain is being destroyed for this reason, or not any more. Its death may be heard of before that has come to its
   * end, and whoever finds it after us has to know, too.
   */
  expect(ending: RunEnding | undefined): void {
    this.#expected = ending;
    this.#save();
  }

  /** It is being saved, or not any more: whoever finds it after us has to know. */
  set isSaving(value: boolean) {
    this.#isSaving = value;
    this.#abandonedUntil = 0;
    this.#save();
  }

  /** Who was saving it has ended, and it may have been told to suspend: once it does nobody else lets it go on. */
  abandonSave(): void {
    this.#isSaving = false;
    this.#abandonedUntil = this.#around.now() + abandonedMs;
    this.#save();
  }

  get #isSaveAbandoned(): boolean {
    return this.#around.now() < this.#abandonedUntil;
  }

  /** Another definition of what runs. Under the domain's job. */
  describe(definition: Definition): void {
    this.domain.describe(this.incarnation, definition);
    this.#save();
  }

  /** A device begins to come or go, or that has ended and is described. Whoever finds the run in between has to know. */
  transit(isUnderWay: boolean): void {
    this.#hasTransit = isUnderWay;
    this.#save();
  }

  tell(event: number, detail: number): void {
    void this.#around.publish({ name: "lifecycle", dom: this.domain.reference, event, detail });
  }

  /** The domain is gone. */
  finish(ending: RunEnding): void {
    if (this.hasEnded) return;
    const wasStarted = this.#phase === "started";
    this.#phase = "ended";
    this.#subscription?.remove();
    const dom = this.domain.reference;
    this.domain.end(this.incarnation, ending.reason);
    const told = wasStarted
      ? this.#around.publish({ name: "lifecycle", dom, event: stopped.event, detail: ending.detail })
      : undefined;
    this.#around.onGone(told);
  }

  /** The driver closes; the guest runs on. */
  release(): void {
    if (this.hasEnded) return;
    this.#phase = "released";
    this.#subscription?.remove();
  }

  /** The domain is not in Xen's list any more. */
  vanish(): void {
    this.#hear({ type: "death", domid: this.domid });
  }

  #hear(event: LibraryEvent): void {
    if (this.hasEnded) return;
    if (this.#phase === "begun") this.#early.push(event);
    else if (event.type === "death") this.#onDeath();
    else if (event.type === "shutdown") this.#onShutdown(event.reason);
  }

  #onShutdown(reason: ShutdownReason): void {
    // For a save, or by the guest's own wish, as nobody can tell; it is not its end.
    if (reason === "suspend" && this.#isSaveAbandoned) this.#around.onAbandoned(this);
    if (reason === "suspend" || this.#shutdown !== undefined) return;
    this.#shutdown = reason;
    this.#around.onShutdown(this, reason);
  }

  #onDeath(): void {
    if (!this.keepsPlace) this.finish(this.#expected ?? this.#endingByItself());
  }

  #endingByItself(): RunEnding {
    if (this.#shutdown === undefined || this.isUnwanted) return endings.destroyed;
    return endingFor(this.#shutdown);
  }

  #save(): void {
    const { definition, status } = this.domain;
    if (definition === undefined || this.hasEnded) return;
    try {
      const { domid: id, since, isForeign, isReplaced: isBuilding } = this;
      const [ending, isSaving] = [this.#expected, this.#isSaving || this.#isSaveAbandoned];
      const hasTransit = this.#hasTransit || undefined;
      const start = this.#start;
      const startedPaused = this.#startedPaused === true;
      const begun = { start, startedPaused, isBuilding, isSaving, hasTransit, ending };
      this.#around.records.write({ id, status, definition, since, isForeign, ...begun });
    } catch (error) {
      this.#around.report(error);
    }
  }
}

export function endingFor(reason: ShutdownReason): RunEnding {
  return reason === "crash" || reason === "watchdog" ? endings.crashed : endings.shutdown;
}

/** Others have paused it, or let it go on. */
export function seenStatus(isPaused: boolean): DomainStatus {
  if (isPaused) return { state: DomainState.paused, reason: DomainReason.paused.user };
  return { state: DomainState.running, reason: DomainReason.running.unpaused };
}

/** Of a guest that Xen has, and nobody knows since when. */
export function foundStatus(isPaused: boolean): DomainStatus {
  if (isPaused) return { state: DomainState.paused, reason: DomainReason.paused.unknown };
  return { state: DomainState.running, reason: DomainReason.running.unknown };
}
