import type { CookieCell, OseventHooks, TimeOfDay, Token } from "../../../src/event/index.ts";
import type { KoffiLibrary } from "../../../src/libxl/koffi-library.ts";
import type { LibraryListener } from "../../../src/libxl/library.ts";
import type { Pointer } from "../../../src/libxl/raw.ts";
import type { KindCounts, LateCalls } from "./report.ts";

/** One registration of libxl's: `nexus` is its name for it, which it gives to the next one when this has ended. */
interface Registered {
  readonly nexus: Pointer;
  /** Undefined for a timeout. */
  readonly fd: number | undefined;
  ended: boolean;
}

/**
 * Stands between our hooks and libxl. Every registration gets a name of its own here, so that a call for one that has ended
 * cannot be taken for a call to the next, even when libxl uses its nexus, and the kernel the number, again.
 */
export class HookAudit {
  readonly calls = { made: 0, stale: 0 };
  readonly late: { -readonly [K in keyof LateCalls]: LateCalls[K] } = {
    total: 0,
    rejectedByNexus: 0,
    polledAgain: 0,
    releasedTwice: 0,
  };
  readonly fds = new Kind();
  readonly timeouts = new Kind();
  readonly #numbers = new Set<number>();
  /** Registrations of a number that had been another one's before. */
  reusedNumbers = 0;

  /** For every context that is opened from now on. */
  install({ prototype }: typeof KoffiLibrary): void {
    const own = Object.getOwnPropertyDescriptors(prototype);
    const between = (listener: LibraryListener<Pointer>): LibraryListener<Pointer> => this.#between(listener);
    const made = (name: Pointer): Pointer => this.#made(name);
    const completed = (name: Pointer): void => this.timeouts.end(registered(name));
    prototype.attach = function (listener) {
      own.attach.value?.call(this, between(listener));
    };
    prototype.occurredFd = function (name, fd, events, revents) {
      own.occurredFd.value?.call(this, made(name), fd, events, revents);
    };
    prototype.occurredTimeout = function (name) {
      const nexus = made(name);
      completed(name);
      own.occurredTimeout.value?.call(this, nexus);
    };
  }

  readonly onLate = (name: Pointer, fd: number | undefined): void => {
    const { late } = this;
    late.total++;
    if (fd === undefined) late.releasedTwice++;
    else if (this.fds.holder(registered(name).nexus)?.fd === fd) late.polledAgain++;
    else late.rejectedByNexus++;
  };

  #made(name: Pointer): Pointer {
    const { nexus, ended } = registered(name);
    this.calls.made++;
    if (ended) this.calls.stale++;
    return nexus;
  }

  #between(listener: LibraryListener<Pointer>): LibraryListener<Pointer> {
    const { hooks } = listener;
    const { fds, timeouts } = this;
    const between = {
      fdRegister: (fd: number, out: CookieCell, events: number, nexus: Pointer) => {
        const entry = { nexus, fd, ended: false };
        hooks.fdRegister(fd, out, events, nameOf(entry));
        fds.begin(out.load(), entry);
        if (this.#numbers.has(fd)) this.reusedNumbers++;
        this.#numbers.add(fd);
      },
      fdModify: (update: CookieCell, events: number) => hooks.fdModify(update, events),
      fdDeregister: (cookie: Token) => {
        hooks.fdDeregister(cookie);
        fds.endOf(cookie);
      },
      timeoutRegister: (out: CookieCell, at: TimeOfDay, nexus: Pointer) => {
        const entry = { nexus, fd: undefined, ended: false };
        hooks.timeoutRegister(out, at, nameOf(entry));
        timeouts.begin(out.load(), entry);
      },
      timeoutModify: (update: CookieCell, at: TimeOfDay) => hooks.timeoutModify(update, at),
      timeoutDeregister: (cookie: Token) => {
        hooks.timeoutDeregister(cookie);
        timeouts.endOf(cookie);
      },
    };
    return {
      hooks: between as unknown as OseventHooks<Pointer>,
      disaster: (message) => listener.disaster(message),
      failed: (error) => listener.failed(error),
    };
  }
}

/** Registrations of one kind. */
class Kind {
  begun = 0;
  ended = 0;
  /** At one time. */
  most = 0;
  readonly #out = new Map<Token, Registered>();
  readonly #holders = new Map<Pointer, Registered>();
  readonly #nexuses = new Set<Pointer>();

  /** Different names that libxl has had for them: one that it forgets to take back makes them more than `most`. */
  get nexuses(): number {
    return this.#nexuses.size;
  }

  begin(cookie: Token, entry: Registered): void {
    this.begun++;
    this.#out.set(cookie, entry);
    this.#holders.set(entry.nexus, entry);
    this.#nexuses.add(entry.nexus);
    this.most = Math.max(this.most, this.begun - this.ended);
  }

  endOf(cookie: Token): void {
    const entry = this.#out.get(cookie);
    this.#out.delete(cookie);
    if (entry !== undefined) this.end(entry);
  }

  end(entry: Registered): void {
    if (entry.ended) return;
    entry.ended = true;
    this.ended++;
    if (this.#holders.get(entry.nexus) === entry) this.#holders.delete(entry.nexus);
  }

  /** Whose it is now. */
  holder(nexus: Pointer): Registered | undefined {
    return this.#holders.get(nexus);
  }

  get counts(): KindCounts {
    const { begun, ended, most, nexuses } = this;
    return { begun, ended, most, nexuses };
  }
}

/** The hooks hand on what they were given and never look at it. */
function nameOf(entry: Registered): Pointer {
  return entry as unknown as Pointer;
}

function registered(name: Pointer): Registered {
  return name as unknown as Registered;
}
