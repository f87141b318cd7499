import { type Readiness, Ready } from "../../event/index.ts";
import type { Step } from "../explorer/scheduler.ts";
import type { Sim } from "../explorer/sim.ts";
import type { Body } from "../explorer/task.ts";
import { Mutex } from "../sim/mutex.ts";
import { labTime, type World } from "./world.ts";

interface Handle {
  readonly id: number;
  readonly fd: number;
  readonly callback: () => Body;
  readonly release: () => Body;
  events: Readiness;
  deleted: boolean;
}

interface Timer {
  readonly id: number;
  readonly callback: () => Body;
  readonly release: () => Body;
  /** -1 while disabled. Recurring: it stays due until somebody says otherwise. */
  at: number;
  deleted: boolean;
}

/**
 * The host loop of November 2012, as a model: one lock, append-only tables, removal that only marks, callbacks with the
 * lock dropped (or, as was proposed, held), results matched back to handles by descriptor number.
 */
export class LibvirtLoop {
  readonly #sim: Sim;
  readonly #world: World;
  readonly #lock: Mutex;
  readonly #holdLock: boolean;
  #handles: Handle[] = [];
  #timers: Timer[] = [];
  #lastId = 0;
  #interrupted = false;

  constructor(world: World, options: { readonly holdLock: boolean }) {
    this.#sim = world.sim;
    this.#world = world;
    this.#holdLock = options.holdLock;
    this.#lock = new Mutex(world.sim, "event lock");
  }

  /** What is still in the tables. */
  get size(): number {
    return this.#handles.length + this.#timers.length;
  }

  *addHandle(fd: number, callback: () => Body, release: () => Body): Generator<Step, number, void> {
    const id = ++this.#lastId;
    yield* this.#locked(() => {
      this.#handles.push({ id, fd, events: Ready.readable, callback, release, deleted: false });
    });
    return id;
  }

  *updateHandle(id: number, events: Readiness): Body {
    yield* this.#locked(() => {
      for (const handle of this.#handles) if (handle.id === id) handle.events = events;
    });
  }

  *addTimeout(at: number, callback: () => Body, release: () => Body): Generator<Step, number, void> {
    const id = ++this.#lastId;
    yield* this.#locked(() => {
      this.#timers.push({ id, at, callback, release, deleted: false });
    });
    return id;
  }

  *updateTimeout(id: number, at: number): Body {
    yield* this.#locked(() => {
      for (const timer of this.#timers) if (timer.id === id) timer.at = at;
    });
  }

  *remove(id: number): Body {
    yield* this.#locked(() => {
      for (const entry of [...this.#handles, ...this.#timers]) if (entry.id === id) entry.deleted = true;
    });
  }

  /** The loop's thread. */
  *run(): Body {
    for (;;) {
      yield* this.#lock.lock();
      yield* this.#purge();
      const watched = this.#handles.filter(({ events }) => events !== Ready.none).map(({ fd }) => fd);
      yield* this.#lock.unlock();
      yield this.#world.sleep(() => this.#interrupted || this.#due() || watched.some(this.#isReady));
      this.#interrupted = false;
      const results = watched.map((fd) => ({ fd, ready: this.#isReady(fd) }));
      yield* this.#lock.lock();
      yield* this.#dispatchTimers();
      yield* this.#dispatchHandles(results);
      yield* this.#purge();
      yield* this.#lock.unlock();
    }
  }

  readonly #isReady = (fd: number): boolean => this.#world.isReadable(fd);

  #due(): boolean {
    return this.#timers.some(isDue);
  }

  *#dispatchTimers(): Body {
    for (const timer of this.#timers.slice()) {
      if (isDue(timer)) yield* this.#call("timer callback", timer.callback);
    }
  }

  /** Matches results to handles as was done then: by number, skipping handles with events 0, never stepping past a match. */
  *#dispatchHandles(results: readonly { fd: number; ready: boolean }[]): Body {
    const count = this.#handles.length;
    let index = 0;
    for (const { fd, ready } of results) {
      while (index < count && (this.#handles[index]?.fd !== fd || this.#handles[index]?.events === Ready.none)) index++;
      const handle = this.#handles[index];
      if (index === count || handle === undefined) return;
      if (handle.deleted || !ready) continue;
      yield* this.#call("fd callback", handle.callback);
    }
  }

  *#call(label: string, callback: () => Body): Body {
    if (!this.#holdLock) yield* this.#lock.unlock();
    yield this.#sim.step(label);
    yield* callback();
    if (!this.#holdLock) yield* this.#lock.lock();
  }

  *#purge(): Body {
    for (const entry of [...this.#handles, ...this.#timers].filter(({ deleted }) => deleted)) {
      this.#handles = this.#handles.filter((other) => other !== entry);
      this.#timers = this.#timers.filter((other) => other !== entry);
      yield* this.#call("free function", entry.release);
    }
  }

  *#locked(change: () => void): Body {
    yield* this.#lock.lock();
    change();
    this.#interrupted = true;
    yield* this.#lock.unlock();
  }
}

function isDue({ at, deleted }: Timer): boolean {
  return !deleted && at >= 0 && at <= labTime;
}
