import { type CookieCell, OseventHooks, Poll, type TimeOfDay } from "../../event/index.ts";
import type { Body } from "../explorer/task.ts";
import { FakeCell, FakeOsevents, type FakeRegistration } from "../fake-libxl/fake-osevents.ts";
import { Resource } from "../sim/resource.ts";
import type { Pipe } from "./pipe.ts";
import type { World } from "./world.ts";

/** What the library hands to us and wants back, for one registration. */
export interface LibraryNexus extends FakeRegistration {
  readonly name: string;
  /** The library's object, until that has no more use for the registration. */
  owner: Operation | undefined;
}

/** Seconds and microseconds since 1970, of a clock that started long before the simulation. */
const epoch = 1_700_000_000_000;

/**
 * A library in the manner of libxl since Xen 4.3, on its model of hooks and nexuses: everything happens under its recursive
 * context lock, in which other threads of ours may come between. It judges us by its own rules.
 */
export class Library {
  readonly world: World;
  readonly hooks: OseventHooks<LibraryNexus>;
  readonly context: Resource;
  readonly osevents: FakeOsevents<LibraryNexus>;
  readonly nexuses: LibraryNexus[] = [];

  constructor(world: World) {
    this.world = world;
    this.context = new Resource(world.sim, "the context");
    this.osevents = new FakeOsevents(world.sim, "4.17");
    const callbacks = {
      occurredFd: (nexus: LibraryNexus, fd: number, _events: number, revents: number) =>
        this.#enter("occurred_fd", () => {
          if (this.osevents.heeds(nexus, () => true)) nexus.owner?.readable(fd, revents);
        }),
      occurredTimeout: (nexus: LibraryNexus) =>
        this.#enter("occurred_timeout", () => {
          if (this.osevents.heeds(nexus, () => false)) nexus.owner?.timedOut();
        }),
    };
    this.hooks = new OseventHooks(world.loop, callbacks, { wallClock: () => epoch + world.loop.now() });
    this.osevents.attach(this.hooks);
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

  nexus(kind: "fd" | "timeout", owner: Operation, cell: CookieCell): LibraryNexus {
    const name = `the ${kind} of ${owner.name}`;
    const nexus = { ...this.osevents.registration(kind, name, owner.memory, cell), name, owner };
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
    for (const { kind, name, memory, wanted } of this.nexuses) {
      if (kind === "fd" ? wanted : !memory.released) this.world.fail(`${name} never ended`);
    }
  }

  /** Under the lock, which is taken on the loop's thread only: so nobody else can hold it. */
  #enter(label: string, act: () => void): PromiseLike<void> | undefined {
    this.osevents.checkOutside(label);
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
  readonly fdCell = new FakeCell();
  readonly timeoutCell = new FakeCell();
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
    this.#fd = this.#library.nexus("fd", this, this.fdCell);
    this.#library.osevents.fdRegister(this.#fd, this.#pipe.fd);
    this.beginTimeout(at);
  }

  beginTimeout(at: number): void {
    this.#timeout = this.#library.nexus("timeout", this, this.timeoutCell);
    this.#library.osevents.timeoutRegister(this.#timeout, this.#library.timeOfDay(at));
  }

  /** Moves the deadline of the timeout that is out. */
  moveTimeout(at: TimeOfDay): void {
    if (this.#timeout !== undefined) this.#library.osevents.timeoutModify(this.#timeout, at);
  }

  /** The library has no more use for the timeout: another may be registered at once. */
  endTimeout(): void {
    if (this.#timeout !== undefined) this.#library.osevents.timeoutEnd(this.#timeout);
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
    this.#library.osevents.fdDeregister(fd);
    fd.owner = undefined;
    this.memory.release();
  }
}
