import { type CookieCell, OseventHooks, Poll, type TimeOfDay, type Token } from "../../event/index.ts";
import type { Body } from "../explorer/task.ts";
import { Resource } from "../sim/resource.ts";
import type { Pipe } from "./pipe.ts";
import type { World } from "./world.ts";

/** C's `void **for_app_update`: the field of the library's object in which our cookie is kept. */
export class Cell implements CookieCell {
  #cookie: Token | undefined;

  load(): Token {
    if (this.#cookie === undefined) throw new Error("the library hands in a cookie it was never given");
    return this.#cookie;
  }

  store(cookie: Token): void {
    this.#cookie = cookie;
  }
}

/** The library's own indirection for one registration: what it hands to us and wants back. */
export interface LibraryNexus {
  readonly name: string;
  readonly memory: Resource;
  /** The library's object, until that has no more use for the registration. */
  owner: Operation | undefined;
}

/** Seconds and microseconds since 1970, of a clock that started long before the simulation. */
const epoch = 1_700_000_000_000;
export const asSoonAsPossible: TimeOfDay = { seconds: 0, microseconds: 0 };

/**
 * A library in the manner of libxl since Xen 4.3: everything happens under its recursive context lock; descriptors are
 * polled again before anything acts on a callback; a timeout that is no longer wanted is modified to "now", and its
 * nexus is freed by the one callback that ends it. It judges us by its own rules.
 */
export class Library {
  readonly world: World;
  readonly hooks: OseventHooks<LibraryNexus>;
  readonly context: Resource;
  readonly nexuses: LibraryNexus[] = [];
  #inHook = false;

  constructor(world: World) {
    this.world = world;
    this.context = new Resource(world.sim, "the context");
    const callbacks = {
      occurredFd: (nexus: LibraryNexus, fd: number, _events: number, revents: number) =>
        this.#enter("occurred_fd", () => nexus.owner?.readable(fd, revents)),
      occurredTimeout: (nexus: LibraryNexus) =>
        this.#enter("occurred_timeout", () => {
          nexus.memory.release();
          nexus.owner?.timedOut();
        }),
    };
    this.hooks = new OseventHooks(world.loop, callbacks, { wallClock: () => epoch + world.loop.now() });
    world.atRest(() => this.#checkRest());
  }

  /** Another thread has a function of the library called on the loop's thread. */
  *ask(label: string, section: () => void): Body {
    let done = false;
    yield this.world.sim.step(`post: ${label}`);
    this.world.loop.post(() =>
      this.#enter(label, () => {
        section();
        done = true;
      }),
    );
    yield this.world.sim.until(`wait: ${label}`, () => done);
  }

  /** A hook is called: meanwhile nobody may call back into the library. */
  hook<T>(action: (hooks: OseventHooks<LibraryNexus>) => T): T {
    this.#inHook = true;
    try {
      return action(this.hooks);
    } finally {
      this.#inHook = false;
    }
  }

  nexus(name: string, owner: Operation): LibraryNexus {
    const nexus = { name, memory: new Resource(this.world.sim, name), owner };
    this.nexuses.push(nexus);
    return nexus;
  }

  timeOfDay(at: number): TimeOfDay {
    const ms = epoch + at;
    return { seconds: Math.floor(ms / 1_000), microseconds: (ms % 1_000) * 1_000 };
  }

  /** The end, for the application: waits until the context may be freed, and has that done. */
  *dispose(): Body {
    yield this.world.sim.until("drain", () => this.hooks.drained);
    this.world.loop.post(() => {
      this.hooks.close();
      this.context.release();
    });
  }

  #checkRest(): void {
    if (!this.context.released) this.world.fail("the context was never freed");
    for (const { name, memory } of this.nexuses) if (!memory.released) this.world.fail(`${name} never ended`);
  }

  /** Under the lock, which is taken on the loop's thread only: so nobody else can hold it. */
  #enter(label: string, act: () => void): PromiseLike<void> | undefined {
    if (this.#inHook) this.world.fail(`${label} is called from inside a hook`);
    this.context.use("entered");
    return this.world.section(label, () => {
      this.context.use("locked");
      act();
    });
  }
}

/** One of the library's operations: ends when its descriptor is readable or its time is over, whichever comes first. */
export class Operation {
  readonly name: string;
  readonly memory: Resource;
  /** One cell for each kind, part of this object: used again by whatever registers next. */
  readonly fdCell = new Cell();
  readonly timeoutCell = new Cell();
  outcome: "none" | "done" | "timed out" = "none";
  readonly #library: Library;
  readonly #pipe: Pipe;
  #fd: LibraryNexus | undefined;
  #timeout: LibraryNexus | undefined;

  constructor(library: Library, name: string, pipe: Pipe) {
    this.#library = library;
    this.name = name;
    this.#pipe = pipe;
    this.memory = new Resource(library.world.sim, name);
  }

  /** Under the lock, like all that follows. */
  begin(at: number): void {
    this.#fd = this.#library.nexus(`fd nexus of ${this.name}`, this);
    const fd = this.#fd;
    this.#library.hook((hooks) => hooks.fdRegister(this.#pipe.fd, this.fdCell, Poll.in, fd));
    this.beginTimeout(at);
  }

  beginTimeout(at: number): void {
    const timeout = this.#library.nexus(`timeout nexus of ${this.name}`, this);
    this.#timeout = timeout;
    this.#library.hook((hooks) => hooks.timeoutRegister(this.timeoutCell, this.#library.timeOfDay(at), timeout));
  }

  /** Moves the deadline of the timeout that is out. */
  moveTimeout(at: TimeOfDay): void {
    if (this.#timeout !== undefined) this.#library.hook((hooks) => hooks.timeoutModify(this.timeoutCell, at));
  }

  /** The library has no more use for the timeout: another may be registered at once. */
  endTimeout(): void {
    this.moveTimeout(asSoonAsPossible);
    if (this.#timeout !== undefined) this.#timeout.owner = undefined;
    this.#timeout = undefined;
  }

  readable(fd: number, revents: number): void {
    this.memory.use();
    if (fd !== this.#pipe.fd || (revents & Poll.in) === 0) this.#library.world.fail(`${this.name} hears of fd ${fd}`);
    if (!this.#pipe.read()) return;
    this.endTimeout();
    this.#end("done");
  }

  timedOut(): void {
    this.memory.use();
    this.#timeout = undefined;
    this.#end("timed out");
  }

  #end(outcome: "done" | "timed out"): void {
    const fd = this.#fd;
    if (this.outcome !== "none" || fd === undefined) return this.#library.world.fail(`${this.name} ends twice`);
    this.outcome = outcome;
    this.#library.hook((hooks) => hooks.fdDeregister(this.fdCell.load()));
    fd.owner = undefined;
    fd.memory.release();
    this.memory.release();
  }
}
