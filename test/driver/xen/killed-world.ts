import type { Told } from "../../../src/driver/xen/guests.ts";
import { Operations } from "../../../src/driver/xen/operations.ts";
import type { RunRecord } from "../../../src/driver/xen/run-record.ts";
import type { Xen } from "../../../src/driver/xen/xen.ts";
import { Deferred } from "../../../src/event/index.ts";
import { type DomainEvent, ErrorCode, type LifecycleEvent, VirError } from "../../../src/protocol/index.ts";
import type { AsyncSim } from "../../../src/testkit/index.ts";
import { resumed, started, stopped, suspended, XenWorld } from "./xen-world.ts";

/**
 * One daemon of several that come one after the other. When it is killed nothing that it does has an effect any more; what it
 * had asked libxl's processes for they do all the same.
 */
class Daemon {
  readonly operations: Operations;
  isKilled = false;
  /** Calls of Xen's that have not been answered. */
  atWork = 0;
  /** Events that no sudden end takes any more, and those on their way there. */
  #written: Promise<void> = Promise.resolve();

  readonly #world: KilledWorld;

  constructor(world: KilledWorld) {
    this.#world = world;
    const { loop, store, kept, records, xen } = world;
    const alive = (act: () => void): void => {
      if (!this.isKilled) act();
    };
    const news = xen.asNews;
    let position = world.journal.length;
    this.operations = new Operations({
      loop,
      xen: this.#mortal(xen),
      news: {
        subscribe: (listener) => news.subscribe(() => alive(listener)),
        followName: (domid, listener) => news.followName(domid, () => alive(listener)),
      },
      predecessors: world.deadAreDone(),
      store: { ...store, load: async () => ({ definitions: [...world.stored.values()], unreadable: [] }) },
      records: {
        write: (record: RunRecord) => alive(() => records.write(record)),
        remove: (which) => alive(() => records.remove(which)),
        readAll: () => [...kept.values()],
        close: () => alive(() => records.close()),
      },
      freePort: async (first) => first,
      publish: (event) => {
        position++;
        this.#written = this.#written.then(() => world.write(event, () => this.isKilled));
        return this.#written;
      },
      told: () => this.#written,
      position: () => position,
      toldOf: (which, since) => world.toldOf(which, since),
      directories: { save: "/none", dump: "/none", autostart: "/none", run: "/none" },
      report: (error) => alive(() => world.heedReport(error)),
    });
  }

  kill(): void {
    this.isKilled = true;
    // Its timers go with it.
    void this.operations.guests.close();
  }

  #mortal(xen: Xen): Xen {
    const ask = async (act: () => unknown): Promise<unknown> => {
      this.#checkAlive();
      this.atWork++;
      try {
        return await act();
      } finally {
        this.atWork--;
        this.#world.heedIdle();
        this.#checkAlive();
      }
    };
    return new Proxy(xen, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function" || name === "close") return name === "close" ? async () => {} : value;
        return (...args: unknown[]) =>
          ask(async () => {
            const deaf = args.map((each) => this.#deafened(each));
            const result: unknown = await Reflect.apply(value as (...all: unknown[]) => unknown, target, deaf);
            if (this.isKilled && (name === "create" || name === "restore")) await this.#orphaned(result as number);
            return result;
          });
      },
    });
  }

  /** The process that has built it destroys it, unless it was killed as well. */
  async #orphaned(domid: number): Promise<void> {
    const { sim, xen } = this.#world;
    if (sim.choose(2) === 0) await xen.destroy(domid).catch(() => {});
  }

  #deafened(argument: unknown): unknown {
    if (typeof argument !== "function") return argument;
    return (event: unknown): unknown => (this.isKilled ? undefined : (argument as (event: unknown) => unknown)(event));
  }

  #checkAlive(): void {
    if (this.isKilled) throw VirError.of(ErrorCode.internalError, 41, "killed");
  }
}

/** A driver whose daemon is killed at any step, and the ones after it. */
export class KilledWorld extends XenWorld {
  readonly journal: LifecycleEvent[] = [];
  readonly #killed: Daemon[] = [];
  #done: Deferred | undefined;
  #daemon: Daemon;

  constructor(sim: AsyncSim) {
    super(sim);
    this.#daemon = new Daemon(this);
    this.operations = this.#daemon.operations;
  }

  /** By kill -9, and the next one begins. */
  async kill(): Promise<void> {
    this.#daemon.kill();
    this.#killed.push(this.#daemon);
    this.#daemon = new Daemon(this);
    const { operations } = this.#daemon;
    // Before that nobody is served.
    await operations.guests.load();
    this.operations = operations;
  }

  get #isDeadDone(): boolean {
    return this.#killed.every(({ atWork }) => atWork === 0);
  }

  /** Resolves when libxl's processes have done what the dead had asked for. */
  deadAreDone(): Promise<void> {
    this.#done = new Deferred();
    this.heedIdle();
    return this.#done.promise;
  }

  /** A call has been answered. */
  heedIdle(): void {
    if (this.#isDeadDone) this.#done?.resolve();
  }

  /** Into the journal, and then to everybody, unless its daemon is gone by then. */
  async write(event: DomainEvent, isLost: () => boolean): Promise<void> {
    if (!this.isCalm) await this.sim.step("an event is safe");
    if (isLost() || event.name !== "lifecycle") return;
    this.journal.push(event);
    this.hear(event);
  }

  toldOf(which: string, since: number): Told {
    const told = this.journal.slice(since).filter(({ dom }) => dom.uuid === which);
    const has = (kind: number): boolean => told.some(({ event }) => event === kind);
    const last = told.findLast(({ event }) => event === suspended || event === resumed)?.event;
    return {
      isStarted: has(started),
      isEnded: has(stopped),
      hasPaused: last !== undefined,
      isPaused: last === suspended,
    };
  }

  /** What libxl's processes had begun for the dead comes to its end first, and is met. */
  protected override async clearAway(): Promise<void> {
    const { guests } = this.operations;
    await this.sim.until("libxl's processes have ended", () => this.#isDeadDone);
    await guests.reconcile();
    await this.#settled();
    const known = Array.from(guests.domains, ({ id }) => id);
    for (const id of this.xen.ids) if (!known.includes(id)) this.fail(`nobody knows domain ${id}`);
    await super.clearAway();
  }

  async #settled(): Promise<void> {
    const { guests } = this.operations;
    const patience = { deadline: Number.POSITIVE_INFINITY };
    for (const domain of guests.domains)
      await guests.exclusively(domain, "wait", patience, async () => {}).catch(() => {});
  }
}
