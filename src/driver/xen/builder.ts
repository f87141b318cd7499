import { LibxlError, mayLeaveHalf, ProcessEndedError } from "../../libxl/index.ts";
import type { Definition, Domain } from "../../model/index.ts";
import { DomainReason, DomainState } from "../../protocol/index.ts";
import { fillAffinity } from "./affinity.ts";
import { configOf } from "./configuration/index.ts";
import { DomainZeroMemory } from "./domain-zero-memory.ts";
import { closed, toVirError } from "./errors.ts";
import type { BootManner, GuestsOptions } from "./guests.ts";
import { prepareRun, withRunNames } from "./prepare-run.ts";

/** A domain that Xen has, paused, and what it is like. */
export interface Built {
  readonly domid: number;
  readonly definition: Definition;
}

/** Building takes seconds: whoever takes longer has failed. */
const buildMs = 600_000;
/** Memory is written, and read again, as fast as the disk goes. */
export const memoryMs = 3_600_000;
const destroyMs = 120_000;

/**
 * Makes Xen's domains for guests and takes them away again. What is being built is written down first: if we end meanwhile,
 * whoever finds a domain knows that nobody waits for it.
 */
export class Builder {
  readonly #options: GuestsOptions;
  readonly #memory: DomainZeroMemory;
  readonly #building = new Map<string, number>();
  readonly #wrecks = new Set<string>();
  readonly #closing = new AbortController();
  /** Hears that a build has failed: a domain of that uuid is nobody's now. */
  onFailed: () => void = () => {};

  constructor(options: GuestsOptions) {
    this.#options = options;
    this.#memory = new DomainZeroMemory(options);
  }

  /** Before everything else. */
  load(): Promise<void> {
    return this.#memory.load();
  }

  /** What waits for memory, or reads it, is cut short and fails; all else is built soon. */
  close(): void {
    this.#memory.close();
    this.#closing.abort(closed());
  }

  /** A domain of that uuid is somebody's who waits for it, or is about to be; or it is a wreck. */
  isBuilding(uuid: string): boolean {
    return this.#building.has(uuid) || this.#wrecks.has(uuid);
  }

  /** The uuids of what was half built and could not be taken away. */
  get wrecks(): readonly string[] {
    return Array.from(this.#wrecks);
  }

  /** Others have taken it away: the next of that uuid is a guest. */
  forgetWreck(uuid: string): void {
    this.#wrecks.delete(uuid);
  }

  /**
   * Hands what it has made to `take`, at once. Rejects with VirError; nothing is left then, or what could not be taken away
   * goes before the next is built, or with the next daemon. Under the domain's job.
   */
  async build<T>(domain: Domain, definition: Definition, manner: BootManner, take: (built: Built) => T): Promise<T> {
    const { from, replaces } = manner;
    const { xen, records, position } = this.#options;
    const { uuid, name } = domain;
    this.#building.set(uuid, (this.#building.get(uuid) ?? 0) + 1);
    try {
      // The record of a run before it, whose end may not be safe yet, goes with this one's.
      if (replaces === undefined) await this.#options.told?.();
      // Before anything is held for it: it may take long.
      using _room = await this.#memory.roomFor(() => configOf(definition));
      const prepared = await prepareRun(definition, this.#options.freePort);
      const config = await fillAffinity(configOf(prepared), xen);
      const status = { state: DomainState.paused, reason: DomainReason.paused.startingUp };
      // The run that it replaces is the one whose end is still to be told.
      const since = replaces === undefined ? position?.() : replaces.run.since;
      const [id, ending] = [replaces?.run.domid, replaces?.ending];
      records.write({ id, isBuilding: true, status, definition: prepared, since, ending });
      if (this.#wrecks.has(uuid)) await this.#discardAll(uuid);
      const domid = await (from === undefined
        ? xen.create(config, { timeoutMs: buildMs })
        : xen.restore(config, from.path, { timeoutMs: memoryMs, skip: from.skip, signal: this.#closing.signal }));
      return take({ domid, definition: withRunNames(prepared, domid) });
    } catch (error) {
      // Who was to take away what was half built may have ended at that, too.
      if (mayLeaveHalf(error)) await this.#discardAll(uuid).catch(this.#options.report);
      if (domain.incarnation === undefined && !this.#wrecks.has(uuid)) records.remove(uuid);
      this.onFailed();
      const what = from === undefined ? `create new domain '${name}'` : `restore domain '${name}' from '${from.path}'`;
      throw toVirError(error, what);
    } finally {
      const left = (this.#building.get(uuid) ?? 1) - 1;
      if (left > 0) this.#building.set(uuid, left);
      else this.#building.delete(uuid);
    }
  }

  /** Resolves when there is no such domain any more. Rejects with VirError. */
  async destroy(domid: number): Promise<void> {
    try {
      await this.#destroy(domid);
    } catch (error) {
      throw toVirError(error, `destroy domain '${domid}'`);
    }
  }

  /** As `destroy`; that it fails is reported. */
  async discard(domid: number): Promise<void> {
    await this.destroy(domid).catch(this.#options.report);
  }

  async #discardAll(uuid: string): Promise<void> {
    this.#wrecks.add(uuid);
    const left = (await this.#options.xen.domains()).filter((info) => info.uuid === uuid && !info.dying);
    for (const { domid } of left) await this.destroy(domid);
    this.#wrecks.delete(uuid);
  }

  async #destroy(domid: number): Promise<void> {
    const { xen } = this.#options;
    const isGone = (error: unknown): boolean => error instanceof LibxlError && error.code === "DOMAIN_NOTFOUND";
    for (let tries = 0; ; tries++) {
      try {
        return await xen.destroy(domid, { timeoutMs: destroyMs });
      } catch (error) {
        if (isGone(error)) return;
        // What has been begun is ended by beginning it again.
        if (!(error instanceof ProcessEndedError) || tries > 2) throw error;
      }
    }
  }
}
