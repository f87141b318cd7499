import { Deferred } from "./deferred.ts";
import { StateError } from "./errors.ts";
import { type Readiness, Ready } from "./host.ts";
import type { Loop } from "./loop.ts";
import { Nexus, type Token } from "./nexus.ts";
import { isThenable } from "./thenable.ts";
import type { Deadline, Timeout } from "./timeout.ts";
import type { Watch } from "./watch.ts";

/** poll(2)'s bits, in which libxl speaks. */
export const Poll = { in: 1, pri: 2, out: 4, err: 8, hup: 16, nval: 32 } as const;

/** A time of day as in C's `struct timeval`. {0, 0} means "as soon as possible". */
export interface TimeOfDay {
  readonly seconds: number;
  readonly microseconds: number;
}

/** Where the library keeps our cookie: what C calls `void **`. Registering stores into it, modifying loads from it. */
export interface CookieCell {
  load(): Token;
  store(cookie: Token): void;
}

/** The library's side: what we call back, never from inside a hook. `forLibrary` is its own cookie, handed back. */
export interface OseventLibrary<L> {
  occurredFd(forLibrary: L, fd: number, events: number, revents: number): unknown;
  occurredTimeout(forLibrary: L): unknown;
}

export interface OseventHooksOptions<L = never> {
  /** Milliseconds since 1970: the clock of the library's time of day. */
  readonly wallClock: () => number;
  /** For tests: so many turns after its time each call into the library is made. Default 0. */
  readonly holdBack?: () => number;
  /** For tests: a call came late and was not made. `fd` is undefined for a timeout. */
  onLate?(forLibrary: L, fd: number | undefined): void;
}

interface FdRecord<L> {
  readonly forLibrary: L;
  events: number;
  watch: Watch | undefined;
}

interface TimeoutRecord<L> {
  readonly forLibrary: L;
  /** Its time has come, and it has not been moved since. */
  isDue: boolean;
  timeout: Timeout | undefined;
}

/**
 * A loop, handed to a native library in the form of libxl's osevent hooks.
 *
 *     open -> draining -> closed
 *
 * The hooks run on the loop's thread, synchronously, inside calls of the library, and only note what is wanted: the
 * library is called back from a later turn, never from inside a hook.
 *
 * Every cookie is a token of our own: a stale one resolves to nothing, so it has no effect. A timeout ends in exactly
 * one way: by `occurredTimeout`, which frees the cookie before it enters the library (one that the library no longer
 * wants it modifies to "now"), or, with a library before Xen 4.3, by being deregistered.
 *
 * When a timeout and descriptors are due at once, the library hears of the descriptors first: a thread that was blocked for
 * longer than the library would wait must not tell it that time is over while the answer is there, unread.
 *
 * drain: open -> draining; resolves when no timeout is out and no call into the library is under way. Only then may the
 * context be disposed of; its last descriptors are deregistered in the course of that.
 * close: any -> closed, after the library is gone; StateError while a registration is left or a call under way. From
 * then on nothing can be registered.
 *
 * All that before the loop closes: a loop that is gone completes nothing, and `drain` would wait for ever.
 */
export class OseventHooks<L> {
  readonly #loop: Loop;
  readonly #library: OseventLibrary<L>;
  readonly #wallClock: () => number;
  readonly #fds = new Nexus<FdRecord<L>>();
  readonly #timeouts = new Nexus<TimeoutRecord<L>>();
  readonly #holdBack: () => number;
  readonly #options: OseventHooksOptions<L>;
  /** Calls into the library that have not ended, or are held back. */
  #calls = 0;
  #late = 0;
  #draining: Deferred | undefined;
  #closed = false;

  constructor(loop: Loop, library: OseventLibrary<L>, options: OseventHooksOptions<L>) {
    this.#loop = loop;
    this.#library = library;
    this.#wallClock = options.wallClock;
    this.#holdBack = options.holdBack ?? (() => 0);
    this.#options = options;
  }

  /** Registrations that are out: descriptors and timeouts. */
  get size(): number {
    return this.#fds.size + this.#timeouts.size;
  }

  /** Calls that were not made because their registration had ended before. */
  get late(): number {
    return this.#late;
  }

  /** Whether no timeout is out and no call into the library is under way. */
  get drained(): boolean {
    return this.#timeouts.size === 0 && this.#calls === 0;
  }

  fdRegister(fd: number, out: CookieCell, events: number, forLibrary: L): void {
    this.#checkOpen();
    const record: FdRecord<L> = { forLibrary, events, watch: undefined };
    const cookie = this.#fds.issue(record);
    out.store(cookie);
    try {
      const options = { name: `the library's fd ${fd}`, alwaysReady: true };
      record.watch = this.#loop.watch(
        fd,
        fromPoll(events),
        (ready) => this.#inTime(() => this.#fdOccurred(cookie, forLibrary, fd, ready)),
        options,
      );
    } catch (error) {
      this.#fds.retire(cookie);
      throw error;
    }
  }

  fdModify(update: CookieCell, events: number): void {
    const record = this.#fds.resolve(update.load());
    if (record === undefined) throw new StateError("fd_modify: this descriptor is not registered");
    record.events = events;
    record.watch?.modify(fromPoll(events));
  }

  fdDeregister(cookie: Token): void {
    const record = this.#fds.resolve(cookie);
    if (record === undefined) throw new StateError("fd_deregister: this descriptor is not registered");
    this.#fds.retire(cookie);
    record.watch?.remove();
  }

  timeoutRegister(out: CookieCell, at: TimeOfDay, forLibrary: L): void {
    this.#checkOpen();
    const record: TimeoutRecord<L> = { forLibrary, isDue: false, timeout: undefined };
    const cookie = this.#timeouts.issue(record);
    out.store(cookie);
    try {
      const options = { name: "the library's timeout" };
      record.timeout = this.#loop.timeout(this.#deadline(at), () => this.#timeoutDue(cookie), options);
    } catch (error) {
      this.#timeouts.retire(cookie);
      throw error;
    }
  }

  timeoutModify(update: CookieCell, at: TimeOfDay): void {
    const record = this.#timeouts.resolve(update.load());
    if (record === undefined) throw new StateError("timeout_modify: this timeout is not registered");
    record.isDue = false;
    record.timeout?.modify(this.#deadline(at));
  }

  /** Only libxl before Xen 4.3 calls this one: it modifies to "now" instead. On the loop's thread it is exact. */
  timeoutDeregister(cookie: Token): void {
    const record = this.#timeouts.resolve(cookie);
    if (record === undefined) throw new StateError("timeout_deregister: this timeout is not registered");
    this.#timeouts.retire(cookie);
    record.timeout?.remove();
    this.#checkDrained();
  }

  drain(): Promise<void> {
    this.#draining ??= new Deferred();
    this.#checkDrained();
    return this.#draining.promise;
  }

  close(): void {
    if (this.size > 0) throw new StateError(`${this.size} registrations of the library are left`);
    if (this.#calls > 0) throw new StateError(`${this.#calls} calls into the library are under way: drain first`);
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new StateError("the hooks are closed: nothing can be registered");
  }

  #fdOccurred(cookie: Token, forLibrary: L, fd: number, ready: Readiness): unknown {
    const record = this.#fds.resolve(cookie);
    if (record === undefined) return this.#comesLate(forLibrary, fd);
    return this.#enter(() => this.#library.occurredFd(record.forLibrary, fd, record.events, toPoll(ready)));
  }

  /** It stays registered, so that it can still be moved, until the descriptors of this turn have had theirs. */
  #timeoutDue(cookie: Token): void {
    const record = this.#timeouts.resolve(cookie);
    if (record === undefined) return;
    record.isDue = true;
    record.timeout?.modify("never");
    this.#inTime(() => this.#timeoutOccurred(cookie, record.forLibrary), 1);
  }

  #timeoutOccurred(cookie: Token, forLibrary: L): unknown {
    const record = this.#timeouts.resolve(cookie);
    if (record === undefined) return this.#comesLate(forLibrary, undefined);
    if (!record.isDue) return undefined;
    // The completion alone frees the cookie, and before the library is entered: whatever it does there is about others.
    this.#timeouts.retire(cookie);
    record.timeout?.remove();
    return this.#enter(() => this.#library.occurredTimeout(record.forLibrary));
  }

  #comesLate(forLibrary: L, fd: number | undefined): undefined {
    this.#late++;
    this.#options.onLate?.(forLibrary, fd);
  }

  #inTime(call: () => unknown, atLeast = 0): unknown {
    const turns = Math.max(atLeast, this.#holdBack());
    if (turns <= 0) return call();
    this.#calls++;
    this.#later(turns, () => {
      this.#calls--;
      const result = call();
      this.#checkDrained();
      return result;
    });
    return undefined;
  }

  #later(turns: number, call: () => unknown): void {
    this.#loop.post(() => (turns > 1 ? this.#later(turns - 1, call) : call()));
  }

  #enter(call: () => unknown): unknown {
    this.#calls++;
    const left = (): void => {
      this.#calls--;
      this.#checkDrained();
    };
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      left();
      throw error;
    }
    if (!isThenable(result)) left();
    else result.then(left, left);
    return result;
  }

  #checkDrained(): void {
    if (this.drained) this.#draining?.resolve();
  }

  /** {0, 0} and every other time that has passed is due at once; no arithmetic makes it "never". */
  #deadline({ seconds, microseconds }: TimeOfDay): Deadline {
    const ms = seconds * 1_000 + microseconds / 1_000;
    return ms === 0 ? "now" : this.#loop.now() + (ms - this.#wallClock());
  }
}

function fromPoll(events: number): Readiness {
  return (events & (Poll.in | Poll.pri) ? Ready.readable : 0) | (events & Poll.out ? Ready.writable : 0);
}

function toPoll(ready: Readiness): number {
  return (
    (ready & Ready.readable ? Poll.in : 0) |
    (ready & Ready.writable ? Poll.out : 0) |
    (ready & Ready.error ? Poll.err : 0) |
    (ready & Ready.hangup ? Poll.hup : 0)
  );
}
