import { StateError } from "../../event/index.ts";
import type { Definition, Domain, DomainList, DomainStatus } from "../../model/index.ts";
import { DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import { withName } from "../domain-name.ts";
import type { Built } from "./builder.ts";
import { settleDevices } from "./device/live-device.ts";
import type { GuestsOptions, Told } from "./guests.ts";
import type { LettingGo } from "./letting-go.ts";
import { endings, foundStatus, type Run, seenStatus } from "./run.ts";
import type { RunEnding, RunRecord, RunStart } from "./run-record.ts";
import type { Saves } from "./saves.ts";

/** What taking up does to the driver's guests. */
export interface TakingUpTarget {
  readonly list: DomainList;
  saves(): Pick<Saves, "hasManaged" | "removeManaged"> | undefined;
  /** As a job of the domain, however long it has to wait. */
  exclusively(domain: Domain, operation: string, kind: "modify" | "destroy", body: () => Promise<void>): Promise<void>;
  begin(domain: Domain, built: Built, since: number | undefined): Run;
  end(run: Run, ending: RunEnding): Promise<void>;
  goOn(run: Run): Promise<unknown>;
  reconcile(): Promise<void>;
}

/** Takes up domains that Xen has, and brings to an end what the driver before us had begun with them. */
export class TakingUp {
  readonly #options: GuestsOptions;
  readonly #lettingGo: LettingGo;
  readonly #target: TakingUpTarget;

  constructor(options: GuestsOptions, lettingGo: LettingGo, target: TakingUpTarget) {
    this.#options = options;
    this.#lettingGo = lettingGo;
    this.#target = target;
  }

  /** A domain of ours or of another's making. Throws VirError when it contradicts another. */
  adopt(definition: Definition, domid: number, isPaused: boolean, record?: RunRecord): Run {
    const { list } = this.#target;
    // Whoever was renaming it had come as far as its definition: its domain has that name, or gets it by the next rename.
    const name = list.find(definition.uuid)?.name ?? definition.name;
    const own = name === definition.name ? definition : withName(definition, name);
    const domain = list.claim(own);
    const told = record === undefined ? undefined : this.#toldOf(record);
    const run = this.#target.begin(domain, { definition: own, domid }, record?.since ?? this.#options.position?.());
    run.isForeign = record === undefined;
    if (record !== undefined) run.inherit(record);
    if (record?.start !== undefined) {
      this.#letGo(run, record.start);
      return run;
    }
    run.isDownTold = told?.isDown === true;
    const status = statusOf(record?.status, isPaused);
    run.start(status, told?.isStarted === true ? undefined : startedBy(record));
    const believed = told?.hasPaused === true ? told.isPaused : record?.startedPaused;
    if (record !== undefined && (believed ?? false) !== isPaused && isUpOrPaused(status)) run.tellPaused(isPaused);
    list.release(domain);
    this.#bringToAnEnd(run, record);
    // Whether it is gone, or who watches: the next look says so.
    run.watch().catch((error: unknown) => {
      if (run.hasEnded) return;
      if (!(error instanceof StateError)) this.#options.report(error);
      this.#target.reconcile().catch(this.#options.report);
    });
    return run;
  }

  /** Absent: all that was known. */
  #toldOf({ definition, since }: RunRecord): Told {
    const everything = { isStarted: true, isEnded: false };
    return since === undefined ? everything : (this.#options.toldOf?.(definition.uuid, since) ?? everything);
  }

  /** The guest was suspended by a save that nobody waits for; all of it may be in the image even so. */
  endSave(run: Run): void {
    if (this.#target.saves()?.hasManaged(run.domain) === true) return this.#end(run, endings.saved);
    this.#later(run, "resume", async () => {
      await this.#target.goOn(run);
      // Until then the next one would have to know as well.
      run.isSaving = false;
    });
  }

  #bringToAnEnd(run: Run, record: RunRecord | undefined): void {
    const { ending, hasTransit, isSaving } = record ?? {};
    // The guest has run since, and its disks have changed.
    if (isSaving !== true) this.#dropImage(run);
    if (ending !== undefined) this.#end(run, ending);
    else if (hasTransit === true) this.#settleDevices(run);
    else if (isDumping(run.domain.status)) this.#endDump(run);
  }

  /** Nobody waits for that dump. */
  #endDump(run: Run): void {
    this.#later(run, "dump", async () => {
      await this.#lettingGo.unpause(run.domid, true);
      if (!run.hasEnded) run.move({ state: DomainState.running, reason: DomainReason.running.unpaused });
    });
  }

  #end(run: Run, ending: RunEnding): void {
    run.expect(ending);
    this.#target
      .exclusively(run.domain, "end", "destroy", async () => {
        if (!run.hasEnded) await this.#target.end(run, ending);
      })
      .catch(this.#options.report);
  }

  #letGo(run: Run, manner: RunStart): void {
    this.#later(run, "start", () => this.#lettingGo.letGo(run, manner, true));
  }

  #dropImage({ domain }: Run): void {
    const saves = this.#target.saves();
    if (saves?.hasManaged(domain) !== true) return;
    this.#target
      .exclusively(domain, "remove managed save", "modify", () => saves.removeManaged(domain))
      .catch(this.#options.report);
  }

  #settleDevices(run: Run): void {
    this.#later(run, "device", () => settleDevices(this.#options.xen, run));
  }

  #later(run: Run, operation: string, act: () => Promise<void>): void {
    this.#target
      .exclusively(run.domain, operation, "modify", async () => {
        if (!run.hasEnded) await act();
      })
      .catch((error: unknown) => {
        if (!run.hasEnded) this.#options.report(error);
      });
  }
}

/** As it was known, unless it has been paused or let go on since. */
function statusOf(known: DomainStatus | undefined, isPaused: boolean): DomainStatus {
  if (known === undefined) return foundStatus(isPaused);
  const isOther = isUpOrPaused(known) && (known.state === DomainState.paused) !== isPaused;
  return isOther ? seenStatus(isPaused) : known;
}

/** Neither dead, nor held for something of ours that nobody is told of. */
function isUpOrPaused(status: DomainStatus): boolean {
  const isOurs = isDumping(status) || status.reason === DomainReason.paused.startingUp;
  return status.state === DomainState.running || (status.state === DomainState.paused && !isOurs);
}

function isDumping({ state, reason }: DomainStatus): boolean {
  return state === DomainState.paused && reason === DomainReason.paused.dump;
}

/** One of Lifecycle.started. */
function startedBy(record: RunRecord | undefined): number {
  const { detail } = Lifecycle.started;
  const { state, reason } = record?.status ?? foundStatus(false);
  return state === DomainState.running && reason === DomainReason.running.restored ? detail.restored : detail.booted;
}
