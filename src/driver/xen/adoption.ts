import { type DomainInfo, LibxlError } from "../../libxl/index.ts";
import type { Definition } from "../../model/index.ts";
import { DomainState } from "../../protocol/index.ts";
import { emptyAffinity } from "./affinity.ts";
import type { Builder } from "./builder.ts";
import { definitionOf } from "./configuration/index.ts";
import type { GuestsOptions } from "./guests.ts";
import type { Run } from "./run.ts";
import type { RunRecord } from "./run-record.ts";

/** What adoption does to the driver's guests. */
export interface AdoptionTarget {
  runs(): Iterable<Run>;
  adopt(definition: Definition, domid: number, isPaused: boolean, record?: RunRecord): Run;
  /** Removes its record, unless it is that of a run, or about to be. */
  forget(uuid: string): void;
  attempt(action: () => void): void;
}

/** A domain that cannot be listed yet. */
interface Unmet {
  readonly since: number;
  isReported: boolean;
}

/** So long libxl's errors mean that somebody is still making it. */
const makingMs = 20_000;
/** So long it is likely that it can be listed soon. */
const hopefulMs = 120_000;

/**
 * Keeps what we know and what Xen has the same: domains that others have made are listed, those that others have destroyed
 * have died, and those of the driver before us are taken up.
 *
 *     open -> loaded -> closed
 *
 * load:      open -> loaded. Until then nobody knows which domains are ours, and no look is taken.
 * reconcile: loaded; looks at all domains. One look at a time, and another one after it when one was asked for meanwhile.
 */
export class Adoption {
  readonly #options: GuestsOptions;
  readonly #builder: Builder;
  readonly #target: AdoptionTarget;
  /** Guests whose domain was being built when the driver before us ended, and may come about yet. */
  readonly #abandoned = new Set<string>();
  /** By number. They are looked at again for as long as Xen has them. */
  readonly #unmet = new Map<number, Unmet>();
  readonly #unsubscribe: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #isStale = false;
  #isLoaded = false;
  #closed = false;
  #timer: { remove(): void } | undefined;

  constructor(options: GuestsOptions, builder: Builder, target: AdoptionTarget) {
    this.#options = options;
    this.#builder = builder;
    this.#target = target;
    this.#unsubscribe = options.news?.subscribe(() => {
      this.reconcile().catch(options.report);
    });
  }

  /** Takes up what the driver before us has left, and then all else that Xen has. */
  async load(records: readonly RunRecord[]): Promise<void> {
    const { xen } = this.#options;
    const infos = await xen.domains();
    for (const record of records) {
      const { id, definition, isBuilding } = record;
      if (isBuilding === true) this.#abandoned.add(definition.uuid);
      const info = infos.find((each) => each.domid === id && each.uuid === definition.uuid);
      this.#target.attempt(() => {
        if (id !== undefined) this.#takeUp(record, id, info);
        else this.#forget(definition.uuid);
      });
    }
    this.#isLoaded = true;
    await this.reconcile();
    if (this.#abandoned.size > 0) {
      this.#options.predecessors.then(() => this.#giveUp()).catch(this.#options.report);
    }
  }

  /** One that is gone is taken up all the same, to be told of its end. */
  #takeUp(record: RunRecord, id: number, info: DomainInfo | undefined): void {
    const { definition, since, start } = record;
    const told = since === undefined ? undefined : this.#options.toldOf?.(definition.uuid, since);
    // Nobody has heard of a start that came to nothing.
    const isOver = told?.isEnded === true || start !== undefined;
    if (info === undefined && isOver) return this.#forget(definition.uuid);
    const isPaused = info?.paused ?? record.status.state === DomainState.paused;
    const run = this.#target.adopt(definition, id, isPaused, record);
    if (info === undefined) run.vanish();
  }

  reconcile(): Promise<void> {
    if (this.#closed || !this.#isLoaded) return Promise.resolve();
    if (this.#looking !== undefined) {
      this.#isStale = true;
      return this.#looking;
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      this.#lookLater();
    });
    return this.#looking;
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#timer?.remove();
  }

  async settled(): Promise<void> {
    await this.#looking?.catch(() => {});
  }

  async #look(): Promise<void> {
    do {
      this.#isStale = false;
      // Those that began before the list was made, and are not in it, have gone.
      const before = Array.from(this.#target.runs());
      const { wrecks } = this.#builder;
      const infos = await this.#options.xen.domains();
      if (this.#closed) return;
      for (const run of before) {
        const info = infos.find(({ domid }) => domid === run.domid);
        if (info?.uuid !== run.domain.uuid) run.vanish();
      }
      for (const wreck of wrecks) if (!infos.some(({ uuid }) => uuid === wreck)) this.#forgetWreck(wreck);
      for (const domid of this.#unmet.keys())
        if (!infos.some((info) => info.domid === domid)) this.#unmet.delete(domid);
      for (const info of infos) if (!this.#closed) await this.#meet(info);
    } while (this.#isStale && !this.#closed);
  }

  /** What its domain was being built for may come about yet: what is written down of it has to stay. */
  isAwaited(uuid: string): boolean {
    return this.#abandoned.has(uuid);
  }

  #forget(uuid: string): void {
    if (!this.isAwaited(uuid)) this.#target.forget(uuid);
  }

  /** Nobody is left who could bring one about: what is not there now does not come. */
  async #giveUp(): Promise<void> {
    await this.reconcile();
    if (this.#closed) return;
    const infos = await this.#options.xen.domains();
    if (this.#closed) return;
    const isLeft = (which: string): boolean =>
      infos.some(({ domid, uuid, dying }) => uuid === which && !dying && !this.#isKnown(domid));
    for (const uuid of Array.from(this.#abandoned)) if (!isLeft(uuid)) this.#settle(uuid);
  }

  #forgetWreck(uuid: string): void {
    this.#builder.forgetWreck(uuid);
    this.#target.attempt(() => this.#target.forget(uuid));
  }

  /** Its domain is gone, or does not come any more. */
  #settle(uuid: string): void {
    this.#abandoned.delete(uuid);
    this.#target.attempt(() => this.#target.forget(uuid));
  }

  async #meet(info: DomainInfo): Promise<void> {
    try {
      if (this.#isStrange(info)) await (this.isAwaited(info.uuid) ? this.#discard(info) : this.#adopt(info));
      this.#unmet.delete(info.domid);
    } catch (error) {
      this.#miss(info, error);
    }
  }

  #isStrange({ domid, uuid, dying }: DomainInfo): boolean {
    return domid !== 0 && !dying && !this.#closed && !this.#isKnown(domid) && !this.#builder.isBuilding(uuid);
  }

  #isKnown(domid: number): boolean {
    for (const run of this.#target.runs()) if (run.domid === domid) return true;
    return false;
  }

  /** Half of a domain, or one that nobody waits for. */
  async #discard({ domid, uuid }: DomainInfo): Promise<void> {
    await this.#builder.destroy(domid);
    this.#settle(uuid);
  }

  async #adopt(info: DomainInfo): Promise<void> {
    const definition = await this.#read(info);
    // Meanwhile a start of our own may have come to its end, or the domain to its.
    if (definition !== undefined && this.#isStrange(info)) this.#target.adopt(definition, info.domid, info.paused);
  }

  /** The definition that libxl holds; undefined: the domain has gone. */
  async #read({ domid, uuid }: DomainInfo): Promise<Definition | undefined> {
    const { xen } = this.#options;
    try {
      const config = await emptyAffinity(await xen.configuration(domid), xen);
      const name = (await xen.nameOf(domid)) ?? config.c_info?.name ?? `domain-${domid}`;
      return definitionOf({ ...config, c_info: { ...config.c_info, name, uuid } });
    } catch (error) {
      if (error instanceof LibxlError && error.code === "DOMAIN_NOTFOUND") return undefined;
      throw error;
    }
  }

  /** It could be neither listed nor destroyed. */
  #miss({ domid, uuid }: DomainInfo, error: unknown): void {
    if (this.#closed) return;
    const { loop, report } = this.#options;
    const unmet = this.#unmet.get(domid) ?? { since: loop.now(), isReported: false };
    this.#unmet.set(domid, unmet);
    const isBeingMade = error instanceof LibxlError && loop.now() - unmet.since < makingMs;
    if (isBeingMade || unmet.isReported) return;
    unmet.isReported = true;
    const message = `domain ${domid} of another's making cannot be shown: ${(error as Error).message}`;
    report(this.isAwaited(uuid) ? error : new Error(message, { cause: error }));
  }

  #lookLater(): void {
    this.#timer?.remove();
    this.#timer = undefined;
    if (this.#closed || this.#unmet.size === 0) return;
    const { loop, report } = this.#options;
    const now = loop.now();
    const pauses = Array.from(this.#unmet.values(), ({ since }) => pauseAfter(now - since));
    const look = (): void => {
      this.reconcile().catch(report);
    };
    this.#timer = loop.timeout(now + Math.min(...pauses), look, { name: "another look at Xen's domains" });
  }
}

/** How long one that cannot be listed is let be, in milliseconds, when it has been so for `ageMs`. */
function pauseAfter(ageMs: number): number {
  if (ageMs < makingMs) return 200;
  return ageMs < hopefulMs ? 2_000 : 10_000;
}
