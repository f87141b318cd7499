import { Deferred, type Loop } from "../../event/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  ObjectLifecycle,
  VirError,
  type StoragePool as WirePool,
} from "../../protocol/index.ts";
import { isThere } from "../objects/host-object.ts";
import type { HostObjectRecords } from "../objects/host-object-records.ts";
import type { HostRunRecords } from "../objects/host-run-records.ts";
import { ObjectSet } from "../objects/object-set.ts";
import type { Patience } from "../objects/patience.ts";
import { buildDirectory, HostPool, removeDirectory, withPermissions } from "./host-pool.ts";
import { formatPool, type PoolDefinition, type PoolSizes, parsePool, sharesSource } from "./pool-definition.ts";
import { invalid, noPool } from "./storage-errors.ts";

export interface HostPoolsOptions {
  readonly loop: Loop;
  readonly records: HostObjectRecords;
  /** Of those that are active. */
  readonly runs: HostRunRecords;
  readonly tell: (event: ObjectEvent) => void;
  /** Hears of what has gone wrong where nobody waits for an answer. */
  readonly report: (error: unknown) => void;
}

const { defined, undefined: removed, started, stopped, created, deleted } = ObjectLifecycle.storagePool;
/** For work on volumes, unless the caller says how long. */
const patienceMs = 30_000;
const nothing: PoolSizes = { capacity: 0n, allocation: 0n, available: 0n };

/**
 * The storage pools of this machine, and what happens to them: every change of a pool's life is made and told here. What
 * is done to a pool waits for its turn: for what is done to the pool before, and for the work on its volumes.
 *
 *     open -> closed
 *
 * close: open -> closed; idempotent. Resolves when nothing is done any more.
 */
export class HostPools {
  readonly #options: HostPoolsOptions;
  readonly #set = new ObjectSet<HostPool>({
    noun: "pool",
    longNoun: "storage pool",
    missing: "Storage pool not found",
    code: ErrorCode.noStoragePool,
    owner: ErrorDomain.storage,
    domain: ErrorDomain.storage,
  });
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(options: HostPoolsOptions) {
    this.#options = options;
  }

  /** Without those that are about to be. */
  get all(): readonly HostPool[] {
    return [...this.#set].filter(isThere);
  }

  /** Throws VirError, as all that follow. */
  byName(name: string): HostPool {
    return this.#set.byName(name, isThere);
  }

  byUuid({ uuid, name }: { readonly uuid: string; readonly name?: string }): HostPool {
    return this.#set.byUuid(uuid, name, isThere);
  }

  active(pool: HostPool): HostPool {
    if (!pool.isActive) throw invalid(`storage pool '${pool.name}' is not active`);
    return pool;
  }

  /** The path of a volume of an active pool, for a disk that names both. */
  pathOf(pool: string, volume: string): string {
    return this.active(this.byName(pool)).volume(volume).path;
  }

  /** Takes up what is defined, and what was active. */
  async load(): Promise<void> {
    for (const { uuid, xml, autostart } of await this.#options.records.load()) {
      await this.#attempt(uuid, async () => {
        const definition = parsePool(xml);
        const pool = this.#known(definition);
        pool.config = definition;
        pool.autostart = autostart;
      });
    }
    for (const { uuid, xml } of await this.#options.runs.load()) {
      await this.#attempt(uuid, async () => {
        const definition = parsePool(xml);
        const pool = this.#known(definition);
        await this.#openDirectory(pool, definition).catch(async (error: unknown) => {
          await this.#options.runs.remove(uuid);
          if (!pool.persistent) this.#set.remove(pool);
          throw error;
        });
      });
    }
  }

  /** Starts those that are to be there whenever the machine is; what fails is reported. */
  async startMarked(): Promise<void> {
    for (const pool of this.all) {
      if (pool.autostart && !pool.isActive) await this.#attempt(pool.name, () => this.start(pool, false, {}));
    }
  }

  /** Rejects with VirError, as all that follow. */
  async define(xml: string, patience: Patience): Promise<WirePool> {
    const definition = parsePool(xml);
    const pool = this.#take(this.#set.claim(definition), definition);
    return this.exclusively(pool, "define", patience, async () => {
      const { uuid, autostart } = pool;
      await this.#options.records.save({ uuid, autostart, xml: textOf(definition) });
      pool.config = definition;
      return this.#report(pool, defined);
    });
  }

  /** `build`: what it stands on is made first. */
  async create(xml: string, build: boolean, patience: Patience): Promise<WirePool> {
    const definition = parsePool(xml);
    const known = this.#set.claim(definition);
    if (known?.isActive === true) throw exists(known);
    const pool = this.#take(known, definition);
    return this.exclusively(pool, "create", patience, () => this.#start(pool, definition, build));
  }

  async start(pool: HostPool, build: boolean, patience: Patience): Promise<void> {
    await this.#onPool(pool, "start", patience, () => this.#start(pool, pool.nextDefinition, build));
  }

  async stop(pool: HostPool, patience: Patience): Promise<void> {
    await this.#onPool(pool, "destroy", patience, async () => {
      this.active(pool);
      await this.#options.runs.remove(pool.uuid);
      pool.live = undefined;
      pool.clear();
      this.#report(pool, stopped);
    });
  }

  async build(pool: HostPool, patience: Patience): Promise<void> {
    await this.#onPool(pool, "build", patience, async () => {
      this.#checkInactive(pool, "already");
      await buildDirectory(pool.definition);
      this.#report(pool, created);
    });
  }

  async delete(pool: HostPool, patience: Patience): Promise<void> {
    await this.#onPool(pool, "delete", patience, async () => {
      this.#checkInactive(pool, "still");
      await removeDirectory(pool.definition);
      this.#report(pool, deleted);
    });
  }

  async refresh(pool: HostPool, patience: Patience): Promise<void> {
    await this.#onPool(pool, "refresh", patience, async () => {
      this.active(pool);
      await pool.scan(pool.definition, () => this.#checkOpen());
      this.tellRefreshed(pool);
    });
  }

  async undefine(pool: HostPool, patience: Patience): Promise<void> {
    await this.#onPool(pool, "undefine", patience, async () => {
      this.#checkInactive(pool, "still");
      await this.#options.records.remove(pool.uuid);
      pool.config = undefined;
      pool.autostart = false;
      this.#report(pool, removed);
    });
  }

  async setAutostart(pool: HostPool, autostart: boolean, patience: Patience): Promise<void> {
    await this.#onPool(pool, "autostart", patience, async () => {
      const { uuid, config } = pool;
      if (config === undefined)
        throw VirError.of(ErrorCode.internalError, ErrorDomain.storage, "pool has no config file");
      await this.#options.records.save({ uuid, autostart, xml: textOf(config) });
      pool.autostart = autostart;
    });
  }

  tellRefreshed(pool: HostPool): void {
    this.#options.tell({ name: "storagePoolEventRefresh", pool: pool.reference });
  }

  /** Work on a volume: begins when nothing is done to the pool, and the pool waits for its end. */
  async beside<T>(
    pool: HostPool,
    operation: string,
    patience: Patience,
    body: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { deadline, signal } = patience;
    const begun = await pool.jobs.run({ operation, deadline, signal }, () => {
      this.#checkOpen();
      this.#checkThere(pool);
      this.active(pool);
      const signals = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
      const work = body(AbortSignal.any(signals));
      pool.underWay.add(work);
      this.#underWay.add(work);
      const end = (): void => {
        pool.underWay.delete(work);
        this.#underWay.delete(work);
      };
      work.then(end, end);
      // In something: else the turn would last as long as the work.
      return { work };
    });
    return begun.work;
  }

  async close(): Promise<void> {
    this.#closing.abort(invalid("the driver is closed"));
    await Promise.allSettled(this.#underWay);
  }

  async exclusively<T>(pool: HostPool, operation: string, patience: Patience, body: () => Promise<T>): Promise<T> {
    const { deadline, signal } = patience;
    const work = pool.jobs.run({ operation, deadline, signal }, async () => {
      await this.#quiet(pool, patience);
      this.#checkOpen();
      return body();
    });
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
      if (!isThere(pool) && pool.jobs.isIdle && this.#set.has(pool)) this.#set.remove(pool);
    }
  }

  /** Waits for the work on its volumes; nothing new begins meanwhile, as the caller has the pool. */
  async #quiet(pool: HostPool, { deadline, signal }: Patience): Promise<void> {
    if (pool.underWay.size === 0) return;
    const { loop } = this.#options;
    const ended = new Deferred();
    const giveUp = (): void => ended.reject(signal?.reason);
    const timeout = loop.timeout(deadline ?? loop.now() + patienceMs, () => ended.reject(busy(pool)));
    signal?.addEventListener("abort", giveUp);
    void Promise.allSettled(pool.underWay).then(() => ended.resolve());
    try {
      await ended.promise;
    } finally {
      timeout.remove();
      signal?.removeEventListener("abort", giveUp);
    }
  }

  #onPool<T>(pool: HostPool, operation: string, patience: Patience, body: () => Promise<T>): Promise<T> {
    return this.exclusively(pool, operation, patience, () => {
      this.#checkThere(pool);
      return body();
    });
  }

  async #start(pool: HostPool, definition: PoolDefinition, build: boolean): Promise<WirePool> {
    this.#checkInactive(pool, "already");
    if (build) await buildDirectory(definition);
    await this.#openDirectory(pool, definition);
    const { uuid } = pool;
    try {
      await this.#options.runs.save({ uuid, phase: "active", xml: textOf(definition) });
    } catch (error) {
      pool.live = undefined;
      pool.clear();
      throw error;
    }
    return this.#report(pool, started);
  }

  async #openDirectory(pool: HostPool, definition: PoolDefinition): Promise<void> {
    await pool.scan(definition, () => this.#checkOpen());
    const live = await withPermissions(definition);
    // Shown from here on, also when it is stopped; what is kept stays as it was given.
    if (pool.config === definition) pool.config = live;
    pool.live = live;
  }

  #known(definition: PoolDefinition): HostPool {
    return this.#set.claim(definition) ?? this.#set.add(new HostPool(this.#options.loop, definition));
  }

  #take(known: HostPool | undefined, definition: PoolDefinition): HostPool {
    this.#checkOpen();
    const rival = [...this.#set].find(
      (each) => each.name !== definition.name && sharesSource(each.definition, definition),
    );
    if (rival !== undefined) {
      const detail = `Storage source conflict with pool: '${rival.name}'`;
      throw VirError.of(ErrorCode.operationFailed, ErrorDomain.storage, detail);
    }
    return known ?? this.#set.add(new HostPool(this.#options.loop, definition));
  }

  #checkInactive(pool: HostPool, how: "already" | "still"): void {
    if (pool.isActive) throw invalid(`storage pool '${pool.name}' is ${how} active`);
  }

  /** Whoever has waited may find that another has removed it. */
  #checkThere(pool: HostPool): void {
    if (this.#set.has(pool) && isThere(pool)) return;
    throw noPool(`no storage pool with matching uuid '${pool.uuid}' (${pool.name})`);
  }

  #checkOpen(): void {
    this.#closing.signal.throwIfAborted();
  }

  async #attempt(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      this.#options.report(new Error(`storage pool ${what}: ${detail}`, { cause }));
    }
  }

  #report({ reference }: HostPool, event: number): WirePool {
    this.#options.tell({ name: "storagePoolEventLifecycle", pool: reference, event, detail: 0 });
    return reference;
  }
}

/** What is kept has no sizes of its own. */
function textOf(definition: PoolDefinition): string {
  return formatPool(definition, nothing);
}

function busy({ name }: HostPool): VirError {
  const detail = `cannot have storage pool '${name}' alone: its volumes are being worked on`;
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.storage, detail);
}

function exists({ name, uuid }: HostPool): VirError {
  const detail = `pool '${name}' already exists with uuid ${uuid}`;
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.storage, detail);
}
