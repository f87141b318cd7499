import { StateError } from "./errors.ts";
import type { EventImpl } from "./event-impl.ts";
import { type Host, type Readiness, Ready } from "./host.ts";
import type { Token } from "./nexus.ts";

interface Entry {
  readonly token: Token;
  readonly fd: number;
  interest: Readiness;
  /** The foreign loop's id; undefined while it watches nothing for this entry. */
  handle: number | undefined;
}

/**
 * Our core driven by somebody else's loop, which must run on our thread.
 *
 * The foreign loop may call back late, twice, or before it has told us its id: all that a callback of ours holds is our
 * own token, complete before the foreign loop hears of it, and a token whose registration has gone resolves to nothing.
 * Whether it reports the right descriptor is its own affair: some loops give a watch the readiness of the one that had
 * its number before, so on a foreign loop a callback must not block on what it was told is ready.
 */
export class ForeignHost implements Host {
  readonly #impl: EventImpl;
  readonly #clock: () => number;
  readonly #entries = new Map<Token, Entry>();
  /** Reported by the foreign loop and not yet polled. */
  #ready = new Map<Token, Readiness>();
  #timer: number | undefined;
  #deadline: number | undefined;
  #awake = false;
  /** In a turn, or inside `addHandle`: what the foreign loop reports meanwhile is heard in the next turn. */
  #busy = false;
  #turn: (() => void) | undefined;

  constructor(impl: EventImpl, options: { readonly clock: () => number }) {
    this.#impl = impl;
    this.#clock = options.clock;
  }

  now(): number {
    return this.#clock();
  }

  start(turn: () => void): void {
    this.#turn = turn;
    this.#timer = accepted(
      this.#impl.addTimeout(-1, () => this.#runTurn()),
      "a timer",
    );
    this.#setTimer();
  }

  arm(token: Token, fd: number, interest: Readiness): void {
    const entry: Entry = { token, fd, interest, handle: undefined };
    this.#entries.set(token, entry);
    try {
      this.#apply(entry);
    } catch (error) {
      this.disarm(token);
      throw error;
    }
  }

  rearm(token: Token, interest: Readiness): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    entry.interest = interest;
    this.#apply(entry);
  }

  disarm(token: Token): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    this.#entries.delete(token);
    this.#ready.delete(token);
    if (entry.handle !== undefined) this.#impl.removeHandle(entry.handle);
  }

  poll(report: (token: Token, ready: Readiness) => void): void {
    this.#awake = false;
    const ready = this.#ready;
    this.#ready = new Map();
    for (const [token, events] of ready) report(token, events);
  }

  wakeAt(deadline: number | undefined): void {
    this.#deadline = deadline;
    this.#setTimer();
  }

  wake(): void {
    this.#awake = true;
    this.#setTimer();
  }

  close(): void {
    this.#turn = undefined;
    for (const token of this.#entries.keys()) this.disarm(token);
    if (this.#timer !== undefined) this.#impl.removeTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** An interest in nothing leaves the foreign loop altogether: some report a hang-up all the same. */
  #apply(entry: Entry): void {
    if (entry.interest === Ready.none) {
      if (entry.handle !== undefined) this.#impl.removeHandle(entry.handle);
      entry.handle = undefined;
      this.#ready.delete(entry.token);
    } else if (entry.handle === undefined) {
      const { token, fd, interest } = entry;
      this.#undisturbed(() => {
        const handle = this.#impl.addHandle(fd, interest, (_watch, _fd, events) => this.#report(token, events));
        entry.handle = accepted(handle, `fd ${fd}`);
      });
    } else {
      this.#impl.updateHandle(entry.handle, entry.interest);
    }
  }

  #report(token: Token, events: Readiness): void {
    if (!this.#entries.has(token)) return;
    this.#ready.set(token, (this.#ready.get(token) ?? Ready.none) | events);
    this.#runTurn();
  }

  #runTurn(): void {
    if (this.#busy) return this.wake();
    this.#undisturbed(() => this.#turn?.());
    // Their timers fire again and again until told otherwise.
    this.#setTimer();
  }

  #undisturbed(action: () => void): void {
    const before = this.#busy;
    this.#busy = true;
    try {
      action();
    } finally {
      this.#busy = before;
    }
  }

  /** Milliseconds are rounded up: their timer may not come before our deadline, or it would come in vain. */
  #setTimer(): void {
    if (this.#timer === undefined) return;
    const wait = this.#deadline === undefined ? -1 : Math.ceil(Math.max(0, this.#deadline - this.#clock()));
    this.#impl.updateTimeout(this.#timer, this.#awake ? 0 : Math.min(wait, 0x7fffffff));
  }
}

/** libvirt's way to refuse is a negative id. */
function accepted(id: number, what: string): number {
  if (id >= 0) return id;
  throw new StateError(`the foreign loop does not take ${what}: it must be initialised, and a descriptor open`);
}
