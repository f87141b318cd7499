import { type EventImpl, type HandleCallback, type Readiness, Ready, type TimerCallback } from "../../event/index.ts";
import type { Sim } from "../explorer/sim.ts";
import type { Body } from "../explorer/task.ts";
import type { SimKernel } from "../sim/kernel.ts";

interface Handle {
  readonly id: number;
  readonly fd: number;
  readonly callback: HandleCallback;
  readonly release: (() => void) | undefined;
  events: Readiness;
  deleted: boolean;
}

interface Timer {
  readonly id: number;
  readonly callback: TimerCallback;
  readonly release: (() => void) | undefined;
  frequency: number;
  expires: number;
  deleted: boolean;
}

/** How early a timer may fire, in milliseconds. */
const tolerance = 20;

/**
 * Somebody else's loop, with every licence that libvirt's takes: it looks at its tables, lets go of them, and calls back
 * what it saw then, removed since or not; removal only marks; timers recur until told otherwise and come early; a new
 * handle may be called back before its id is known. Ids are never reused.
 */
export class ForeignLoop implements EventImpl {
  readonly #sim: Sim;
  readonly #kernel: SimKernel;
  readonly #handles: Handle[] = [];
  readonly #timers: Timer[] = [];
  #lastId = 0;
  #interrupted = false;
  #asleep = false;
  now = 0;

  constructor(sim: Sim, kernel: SimKernel) {
    this.#sim = sim;
    this.#kernel = kernel;
  }

  get asleep(): boolean {
    return this.#asleep;
  }

  /** What is registered with it. */
  get size(): number {
    return this.#handles.filter(alive).length + this.#timers.filter(alive).length;
  }

  addHandle(fd: number, events: Readiness, callback: HandleCallback, release?: () => void): number {
    const id = ++this.#lastId;
    const handle = { id, fd, events, callback, release, deleted: false };
    this.#handles.push(handle);
    this.#interrupt();
    if (this.#ready(handle) && this.#sim.choose(2) === 1) callback(id, fd, events);
    return id;
  }

  updateHandle(id: number, events: Readiness): void {
    for (const handle of this.#handles) if (handle.id === id) handle.events = events;
    this.#interrupt();
  }

  removeHandle(id: number): boolean {
    return this.#remove(this.#handles, id);
  }

  addTimeout(frequency: number, callback: TimerCallback, release?: () => void): number {
    const id = ++this.#lastId;
    this.#timers.push({ id, callback, release, frequency, expires: this.now + frequency, deleted: false });
    this.#interrupt();
    return id;
  }

  updateTimeout(id: number, frequency: number): void {
    for (const timer of this.#timers) {
      if (timer.id === id) Object.assign(timer, { frequency, expires: this.now + frequency });
    }
    this.#interrupt();
  }

  removeTimeout(id: number): boolean {
    return this.#remove(this.#timers, id);
  }

  /** Its thread, which is ours too. */
  *thread(): Body {
    for (;;) {
      this.#asleep = true;
      yield this.#sim.until("sleep in their poll", () => this.#hasWork());
      this.#asleep = false;
      this.#interrupted = false;
      const timers = this.#timers.filter((timer) => this.#due(timer, tolerance));
      const handles = this.#handles.filter((handle) => this.#ready(handle));
      for (const timer of timers) {
        yield this.#sim.step(`their timer ${timer.id}`);
        this.#fire(timer);
      }
      for (const handle of handles) {
        yield this.#sim.step(`their handle ${handle.id}`);
        handle.callback(handle.id, handle.fd, handle.events);
      }
      for (const entry of [...this.#handles, ...this.#timers]) if (entry.deleted) this.#purge(entry);
    }
  }

  /** Time as an actor: on to the moment for which its poll would wake. */
  *clock(): Body {
    for (;;) {
      yield this.#sim.until("time passes", () => this.#nextExpiry() < Infinity);
      this.now = Math.max(this.now, this.#nextExpiry());
    }
  }

  /** Until there is nothing to do: without steps, and without time. */
  runOn(): void {
    while (this.#hasWork()) {
      this.#interrupted = false;
      for (const timer of this.#timers.filter((each) => this.#due(each, 0))) this.#fire(timer);
      for (const handle of this.#handles.filter((each) => this.#ready(each))) {
        handle.callback(handle.id, handle.fd, handle.events);
      }
    }
  }

  /** Its own thread is awake anyway. */
  #interrupt(): void {
    if (this.#asleep) this.#interrupted = true;
  }

  #fire(timer: Timer): void {
    timer.expires = this.now + timer.frequency;
    timer.callback(timer.id);
  }

  #hasWork(): boolean {
    return (
      this.#interrupted ||
      this.#timers.some((timer) => this.#due(timer, 0)) ||
      this.#handles.some((each) => this.#ready(each))
    );
  }

  #due({ frequency, expires, deleted }: Timer, early: number): boolean {
    return !deleted && frequency >= 0 && expires - early <= this.now;
  }

  #ready({ fd, events, deleted }: Handle): boolean {
    return !deleted && ((this.#kernel.file(fd)?.ready ?? Ready.none) & events) !== 0;
  }

  #nextExpiry(): number {
    const waiting = this.#timers.filter(({ frequency, deleted }) => !deleted && frequency > 0);
    return Math.min(Infinity, ...waiting.map(({ expires }) => expires).filter((expires) => expires > this.now));
  }

  #remove(entries: readonly (Handle | Timer)[], id: number): boolean {
    const entry = entries.find((each) => each.id === id && !each.deleted);
    if (entry === undefined) return false;
    entry.deleted = true;
    this.#interrupt();
    return true;
  }

  #purge(entry: Handle | Timer): void {
    for (const entries of [this.#handles, this.#timers] as (Handle | Timer)[][]) {
      const place = entries.indexOf(entry);
      if (place >= 0) entries.splice(place, 1);
    }
    entry.release?.();
  }
}

function alive({ deleted }: { readonly deleted: boolean }): boolean {
  return !deleted;
}
