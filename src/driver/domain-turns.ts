import { Breather, type Loop } from "../event/index.ts";
import {
  type AsyncJobRequest,
  type AsyncWork,
  type Completion,
  Definition,
  type DefinitionStore,
  type Domain,
  DomainList,
  type JobRequest,
  type JobWaits,
} from "../model/index.ts";
import type { ErrorDomain, VirError } from "../protocol/index.ts";

/** How long the caller waits, for its turn and for the guest; and what kind of job it is (default: modify). */
export type Patience = Pick<JobRequest, "deadline" | "signal" | "kind">;

export interface DomainTurnsOptions {
  readonly loop: Loop;
  readonly store: Pick<DefinitionStore, "load" | "save" | "remove">;
  /** Resolves when everybody has been told of all that was published. Absent: at once. */
  readonly told?: () => Promise<void>;
  /** Hears of what went wrong where no caller is to be told. */
  readonly report: (error: unknown) => void;
}

/** How a driver tells its clients what went wrong. */
export interface DriverErrors {
  readonly domain: ErrorDomain;
  readonly closed: () => VirError;
  /** `what`: what was to be done: "suspend domain 'web'". */
  readonly toVirError: (error: unknown, what: string) => unknown;
}

/** How long the guest's side may take when the caller has not said. */
const callMs = 30_000;

/**
 * The domains of a driver, and who may change them: the one place where a call waits for its turn. Not closed until
 * `shut` has been called; from then on everything rejects with the driver's VirError.
 */
export class DomainTurns {
  /** For those who may look at it when closed, too. */
  protected readonly list: DomainList;
  readonly #options: DomainTurnsOptions;
  readonly #errors: DriverErrors;
  readonly #breather: Breather;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: DomainTurnsOptions, errors: DriverErrors) {
    this.#options = options;
    this.#errors = errors;
    this.#breather = new Breather(options.loop);
    this.list = new DomainList(options.loop, errors.domain);
  }

  /** Throws VirError when closed. */
  get domains(): DomainList {
    this.checkOpen();
    return this.list;
  }

  get jobWaits(): JobWaits {
    return this.list.jobWaits;
  }

  get loop(): Loop {
    return this.#options.loop;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Hears of errors that no caller is told. */
  report(error: unknown): void {
    this.#options.report(error);
  }

  /** Takes up what is on the disk; what cannot be read is reported. Returns what reports the like. */
  protected async loadDefinitions(): Promise<(path: string, error: Error) => void> {
    const { definitions, unreadable } = await this.#options.store.load();
    const complain = (path: string, error: Error): void =>
      this.report(new Error(`cannot read ${path}: ${error.message}`, { cause: error }));
    for (const { path, error } of unreadable) complain(path, error);
    for (const definition of definitions) this.attempt(() => this.list.claim(definition).define(definition));
    return complain;
  }

  /** Nobody has a turn any more; who has one is waited for by `settled`. */
  protected shut(): void {
    this.#closed = true;
  }

  protected async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  /** Makes it the persistent definition, on the disk first; true when it replaced another. Under the domain's job. */
  async keep(domain: Domain, definition: Definition): Promise<boolean> {
    await this.#options.store.save(definition);
    return domain.define(definition);
  }

  /** Forgets the persistent definition. Under the domain's job. */
  async forget(domain: Domain): Promise<void> {
    await this.#options.store.remove(domain.uuid);
    domain.undefine();
  }

  /** Gives an inactive domain the name of this definition, which becomes its own. Under the domain's job. */
  async rename(domain: Domain, definition: Definition): Promise<void> {
    const before = domain.name;
    // Nobody else takes the name while the definition is written.
    this.list.rename(domain, definition.name);
    try {
      await this.keep(domain, definition);
    } catch (error) {
      this.list.rename(domain, before);
      throw error;
    }
  }

  /**
   * As JobQueue.run. While a job of it is under way or waiting a domain keeps its place in the list even if it does not
   * exist: it may be about to.
   */
  async exclusively<T>(domain: Domain, operation: string, patience: Patience, body: () => Promise<T>): Promise<T> {
    const request: JobRequest = { operation, ...patience };
    return this.#inTurn(domain, operation, (begin) =>
      domain.jobs.run(request, () => {
        begin();
        return body();
      }),
    );
  }

  /** As `exclusively`, of the domain that is claimed for this definition: while it waited it may have got another name. */
  async claimed<T>(
    definition: Definition,
    operation: string,
    patience: Patience,
    body: (domain: Domain) => Promise<T>,
  ): Promise<T> {
    return this.exclusively(this.domains.claim(definition), operation, patience, async () =>
      body(this.domains.claim(definition)),
    );
  }

  /** As `exclusively`, for what takes long: beside it the domain may be looked at, destroyed, and this job aborted. */
  async atLength<T>(
    domain: Domain,
    operation: string,
    patience: Patience,
    body: (work: AsyncWork) => Promise<T>,
  ): Promise<T> {
    const { deadline, signal } = patience;
    const request: AsyncJobRequest = { operation, deadline, signal, kind: "async" };
    return this.#inTurn(domain, operation, (begin) =>
      domain.jobs.run(request, (job: AsyncWork) => {
        begin();
        return body(job);
      }),
    );
  }

  async #inTurn<T>(domain: Domain, operation: string, ask: (begin: () => void) => Promise<T>): Promise<T> {
    let hasBegun = false;
    const work = ask(() => {
      this.checkOpen();
      hasBegun = true;
    });
    this.#underWay.add(work);
    try {
      return await work;
    } catch (error) {
      throw this.#errors.toVirError(error, `${operation} domain '${domain.name}'`);
    } finally {
      // Who has an answer, good or bad, has heard of what that was about. Who never had a turn waits for no disk.
      if (hasBegun) await this.#options.told?.();
      this.#underWay.delete(work);
      this.list.release(domain);
    }
  }

  /** Other calls have their turn while a long one is read. */
  protected async readWith(xml: string, signal: AbortSignal | undefined, complete: Completion): Promise<Definition> {
    const definition = await Definition.parseWithPauses(xml, this.pauseFor(signal), complete);
    this.checkOpen();
    return definition;
  }

  /** For long work on behalf of a caller: others have their turn. It rejects when nobody waits for the result any more. */
  pauseFor(signal: AbortSignal | undefined): () => Promise<void> {
    return async () => {
      await this.#breather.breathe();
      signal?.throwIfAborted();
      this.checkOpen();
    };
  }

  /** In milliseconds. */
  timeLeft({ deadline }: Patience): number {
    return deadline === undefined ? callMs : Math.max(1, deadline - this.loop.now());
  }

  checkExists(domain: Domain): void {
    this.list.byUuid(domain.uuid, domain.name);
  }

  protected checkOpen(): void {
    if (this.#closed) throw this.#errors.closed();
  }

  protected attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.report(error);
    }
  }
}
