import {
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  ObjectLifecycle,
  VirError,
  type StoragePool as WirePool,
} from "../../../protocol/index.ts";
import { ObjectSet } from "../../objects/object-set.ts";
import { type PoolDefinition, parseFilledPool, parsePool, sharesSource } from "../../storage/pool-definition.ts";
import { invalid } from "../failure.ts";
import { Pool } from "./pool.ts";

const { defined, undefined: removed, started, stopped, created, deleted } = ObjectLifecycle.storagePool;

/** The storage pools, and what happens to them: every change of a pool's life is made and told here. */
export class Pools {
  readonly #tell: (event: ObjectEvent) => void;
  readonly #set = new ObjectSet<Pool>({
    noun: "pool",
    longNoun: "storage pool",
    missing: "Storage pool not found",
    code: ErrorCode.noStoragePool,
    owner: ErrorDomain.test,
    domain: ErrorDomain.storage,
  });

  /** The pools that there are from the start are active. */
  constructor(texts: readonly string[], tell: (event: ObjectEvent) => void) {
    this.#tell = tell;
    for (const each of texts) {
      const { pool: definition, volumes } = parseFilledPool(each);
      const pool = this.#set.add(new Pool(definition));
      pool.persistent = true;
      pool.isActive = true;
      for (const volume of volumes) pool.addVolume(volume);
    }
  }

  get all(): readonly Pool[] {
    return [...this.#set];
  }

  /** Throws VirError, as all that follow. libvirt's test hypervisor looks most things up by name. */
  byName(name: string): Pool {
    return this.#set.byName(name);
  }

  byUuid(uuid: string): Pool {
    return this.#set.byUuid(uuid);
  }

  active(name: string): Pool {
    const pool = this.byName(name);
    if (!pool.isActive) throw invalid(`storage pool '${name}' is not active`);
    return pool;
  }

  inactive(name: string): Pool {
    const pool = this.byName(name);
    if (pool.isActive) throw invalid(`storage pool '${name}' is active`);
    return pool;
  }

  define(xml: string): WirePool {
    const definition = parsePool(xml);
    const pool = this.#take(this.#set.claim(definition), definition);
    pool.persistent = true;
    return this.#report(pool, defined);
  }

  create(xml: string): WirePool {
    const definition = parsePool(xml);
    const pool = this.#take(this.#set.claimInactive(definition), definition);
    pool.isActive = true;
    pool.persistent = false;
    return this.#report(pool, started);
  }

  start(name: string): void {
    const pool = this.inactive(name);
    pool.isActive = true;
    this.#report(pool, started);
  }

  stop(name: string): void {
    const pool = this.active(name);
    pool.isActive = false;
    this.#report(pool, stopped);
    if (!pool.persistent) this.#set.remove(pool);
  }

  build(name: string): void {
    this.#report(this.inactive(name), created);
  }

  /** Removes what it stands on; the definition stays. */
  delete(name: string): void {
    this.#report(this.inactive(name), deleted);
  }

  refresh(name: string): void {
    this.#tell({ name: "storagePoolEventRefresh", pool: this.active(name).reference });
  }

  undefine(name: string): void {
    const pool = this.inactive(name);
    this.#report(pool, removed);
    this.#set.remove(pool);
  }

  #take(known: Pool | undefined, definition: PoolDefinition): Pool {
    const rival = this.all.find((each) => each.name !== definition.name && sharesSource(each.definition, definition));
    if (rival !== undefined) {
      const detail = `Storage source conflict with pool: '${rival.name}'`;
      throw VirError.of(ErrorCode.operationFailed, ErrorDomain.storage, detail);
    }
    const pool = known ?? this.#set.add(new Pool(definition));
    pool.assign(definition);
    return pool;
  }

  #report({ reference }: Pool, event: number): WirePool {
    this.#tell({ name: "storagePoolEventLifecycle", pool: reference, event, detail: 0 });
    return reference;
  }
}
