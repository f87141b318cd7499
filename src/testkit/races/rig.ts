import type { Body } from "../explorer/task.ts";
import { LibvirtLoop } from "./libvirt-loop.ts";
import type { LibraryEvent, Registration, World } from "./world.ts";

/**
 * A protocol at work in one execution: an application's loop on its own thread, a library whose context any thread may
 * enter, and the hooks between them. The races are written against this alone.
 */
export interface Rig {
  /** The loop's thread begins. */
  start(): void;
  /** A thread other than the loop's works with the library: `section` runs as the protocol says such work runs. */
  enter(section: () => Body): Body;
  /** Inside a section. */
  fdRegister(event: LibraryEvent, fd: number): Body;
  fdUpdate(event: LibraryEvent, wanted: boolean): Body;
  fdDeregister(event: LibraryEvent): Body;
  timeoutRegister(event: LibraryEvent, at: number): Body;
  timeoutModify(event: LibraryEvent, at: number): Body;
  /** The library no longer wants it: by deregistering, or however the protocol does that. */
  timeoutEnd(event: LibraryEvent): Body;
  /** Outside sections: the operation is over and its memory, with the event object in it, is given back. */
  free(event: LibraryEvent): Body;
  /** Outside sections: the context is disposed of; `internal` is a descriptor that is deregistered only then. */
  dispose(internal: LibraryEvent): Body;
  /** What is left in the loop's tables when nothing happens any more. */
  readonly leftOver: number;
}

export type Kind = "fd" | "timeout";

/** What the application keeps for one registration: the 2012 driver's event hook info. */
export interface HookInfo {
  /** The loop's id for it. */
  id: number;
  readonly kind: Kind;
  readonly event: LibraryEvent;
  readonly registration: Registration;
  /** False until all fields are set. */
  complete: boolean;
}

/** Mistakes that are the driver's own; each is shown in its own race only, so that no other fails by it. */
export interface Mistakes {
  /** The loop hears of a record before that is complete. */
  readonly recordLast?: boolean;
  /** A timer that fires is not taken out of the loop, whose timers recur. */
  readonly recurring?: boolean;
  /** The loop keeps its lock over callbacks. */
  readonly holdLock?: boolean;
  /** No mistake: the library ignores calls for what it has ended, so that what goes wrong in the loop itself is seen. */
  readonly ignoreEnded?: boolean;
}

/**
 * November 2012: libvirt's loop, libxl 4.2, and the driver between them. The cookie is the event object itself.
 * What was proposed later are its subclasses: each overrides what it would have changed, and nothing else.
 */
export class NaiveRig implements Rig {
  protected readonly world: World;
  protected readonly loop: LibvirtLoop;
  readonly #mistakes: Mistakes;

  constructor(world: World, mistakes: Mistakes = {}) {
    this.world = world;
    this.#mistakes = mistakes;
    this.loop = new LibvirtLoop(world, { holdLock: mistakes.holdLock ?? false });
  }

  get leftOver(): number {
    return this.loop.size;
  }

  start(): void {
    this.world.sim.serve("loop", () => this.loop.run());
  }

  *enter(section: () => Body): Body {
    yield* this.world.contextLock.lock();
    yield* section();
    yield* this.world.contextLock.unlock();
  }

  *fdRegister(event: LibraryEvent, fd: number): Body {
    event.fd = fd;
    const info = this.begin(event, "fd");
    info.id = yield* this.loop.addHandle(
      fd,
      () => this.#called(info),
      () => this.released(info),
    );
    yield* this.#complete(info);
  }

  *fdUpdate(event: LibraryEvent, wanted: boolean): Body {
    yield* this.loop.updateHandle(this.info(event).id, wanted ? 1 : 0);
  }

  *fdDeregister(event: LibraryEvent): Body {
    this.world.end(event);
    yield* this.loop.remove(this.info(event).id);
  }

  *timeoutRegister(event: LibraryEvent, at: number): Body {
    event.at = at;
    const info = this.begin(event, "timeout");
    info.id = yield* this.loop.addTimeout(
      at,
      () => this.#called(info),
      () => this.released(info),
    );
    yield* this.#complete(info);
  }

  *timeoutModify(event: LibraryEvent, at: number): Body {
    event.at = at;
    yield* this.loop.updateTimeout(this.info(event).id, at);
  }

  *timeoutEnd(event: LibraryEvent): Body {
    this.world.end(event);
    yield* this.loop.remove(this.info(event).id);
  }

  *free(event: LibraryEvent): Body {
    yield this.world.sim.step(`free ${event.name}`);
    event.memory.release();
  }

  *dispose(internal: LibraryEvent): Body {
    yield* this.enter(() => this.fdDeregister(internal));
    yield this.world.sim.step("free the context");
    this.world.context.release();
  }

  /** A registration begins: the application's record of it. */
  protected begin(event: LibraryEvent, kind: Kind): HookInfo {
    const info = { id: 0, kind, event, registration: this.world.begin(event), complete: !this.#mistakes.recordLast };
    event.cookie = info;
    return info;
  }

  protected info(event: LibraryEvent): HookInfo {
    return event.cookie as HookInfo;
  }

  /** The check at the library's door, under its lock. */
  protected accepts({ registration }: HookInfo): boolean {
    return !(this.#mistakes.ignoreEnded && registration.ended);
  }

  /** The loop's free function: no call for this registration is under way or will come. */
  protected *released(_info: HookInfo): Body {}

  *#complete(info: HookInfo): Body {
    if (info.complete) return;
    yield this.world.sim.step("fill in the record");
    info.complete = true;
  }

  *#called(info: HookInfo): Body {
    if (!info.complete) {
      this.world.sim.fail("assertion", `${info.registration.name} was called back before its record was complete`);
    }
    if (info.kind === "timeout" && !this.#mistakes.recurring) yield* this.loop.remove(info.id);
    yield* this.#occurred(info);
  }

  /** The library is called back: `libxl_osevent_occurred_fd` and `..._timeout`. */
  *#occurred(info: HookInfo): Body {
    this.world.context.use("locked");
    yield* this.world.contextLock.lock();
    this.world.context.use("locked");
    if (this.accepts(info)) yield* this.world.act(info.event, info.registration, info.kind);
    yield* this.world.contextLock.unlock();
  }
}
