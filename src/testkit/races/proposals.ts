import type { Body } from "../explorer/task.ts";
import { FakeOsevents, type FakeRegistration } from "../fake-libxl/fake-osevents.ts";
import { type HookInfo, type Kind, NaiveRig } from "./rig.ts";
import { type LibraryEvent, labTime, type World } from "./world.ts";

/** "Check at entry whether it is registered": reads the object's own field, in memory that may be gone or reused. */
export class EntryCheckRig extends NaiveRig {
  protected override accepts({ event }: HookInfo): boolean {
    event.memory.use("read by the entry check");
    return event.registered;
  }
}

/** "Hold the event lock over the callbacks", or a flag in libvirt that asks for it. */
export class LockHeldRig extends NaiveRig {
  constructor(world: World) {
    super(world, { holdLock: true });
  }
}

/** "References on both sides": a registration keeps object and context alive until the loop's free function has run. */
export class ReferencesRig extends NaiveRig {
  readonly #references = new Map<LibraryEvent, number>();
  #contextReferences = 1;

  protected override begin(event: LibraryEvent, kind: Kind): HookInfo {
    this.#references.set(event, (this.#references.get(event) ?? 1) + 1);
    this.#contextReferences++;
    return super.begin(event, kind);
  }

  protected override *released({ event }: HookInfo): Body {
    yield this.world.sim.step(`drop ${event.name} and the context`);
    this.#drop(event);
    this.#dropContext();
  }

  override *free(event: LibraryEvent): Body {
    yield this.world.sim.step(`drop ${event.name}`);
    this.#drop(event);
  }

  /** The context would deregister `internal` when its last reference goes, and `internal` holds such a reference. */
  override *dispose(_internal: LibraryEvent): Body {
    yield this.world.sim.step("drop the context");
    this.#dropContext();
  }

  #drop(event: LibraryEvent): void {
    const left = (this.#references.get(event) ?? 1) - 1;
    this.#references.set(event, left);
    if (left === 0) event.memory.release();
  }

  #dropContext(): void {
    if (--this.#contextReferences === 0) this.world.context.release();
  }
}

/** A rig whose library waits, where it gives memory back, until the loop is known to be done with all registrations. */
class AcknowledgedRig extends NaiveRig {
  readonly #outstanding = new Set<HookInfo>();

  protected override begin(event: LibraryEvent, kind: Kind): HookInfo {
    const info = super.begin(event, kind);
    this.#outstanding.add(info);
    return info;
  }

  protected override *released(info: HookInfo): Body {
    yield this.world.sim.step("no call can come any more");
    this.#outstanding.delete(info);
  }

  override *dispose(internal: LibraryEvent): Body {
    yield* this.enter(() => this.fdDeregister(internal));
    yield this.world.sim.until("wait for the loop", () => this.#outstanding.size === 0);
    this.world.context.release();
  }

  protected *acknowledged(event: LibraryEvent): Body {
    const done = (): boolean => ![...this.#outstanding].some((info) => info.event === event);
    yield this.world.sim.until("wait for the loop", done);
  }
}

/**
 * "Two-phase deregistration": the library's record of a registration lives until the application acknowledges, from the
 * loop's free function, that no call for it can come any more; meanwhile calls for it are ignored.
 */
export class TwoPhaseRig extends AcknowledgedRig {
  protected override accepts({ registration }: HookInfo): boolean {
    return !registration.ended;
  }

  protected override *released(info: HookInfo): Body {
    yield* this.world.contextLock.lock();
    yield* super.released(info);
    yield* this.world.contextLock.unlock();
  }

  override *free(event: LibraryEvent): Body {
    yield* this.acknowledged(event);
    yield* super.free(event);
  }
}

/**
 * A nexus for descriptors, and for timers a look at the clock: "if its time has not come, the call is an old one". The
 * cookie outlives the registration and serves the object's next one, so memory is safe.
 */
export class TimeCheckRig extends AcknowledgedRig {
  protected override accepts({ event, kind }: HookInfo): boolean {
    if (!event.registered) return false;
    return kind === "timeout" ? event.at <= labTime : this.world.isReadable(event.fd);
  }
}

/**
 * What was merged for Xen 4.3: a nexus for descriptors, polled again before anything acts; timers modified to "now", so
 * that the call each of them ends in is the acknowledgement and frees its nexus.
 */
export class MergedRig extends AcknowledgedRig {
  readonly #osevents = new FakeOsevents(this.world.sim, "4.17");
  readonly #nexuses = new Map<HookInfo, FakeRegistration>();

  protected override begin(event: LibraryEvent, kind: Kind): HookInfo {
    const info = super.begin(event, kind);
    this.#nexuses.set(info, this.#osevents.registration(kind, info.registration.name, event.memory));
    return info;
  }

  override *timeoutEnd(event: LibraryEvent): Body {
    this.world.end(event);
    yield* this.loop.updateTimeout(this.info(event).id, labTime);
  }

  protected override accepts(info: HookInfo): boolean {
    const nexus = this.#nexuses.get(info);
    if (nexus === undefined) return false;
    nexus.wanted = !info.registration.ended;
    return this.#osevents.heeds(nexus, () => this.world.isReadable(info.event.fd));
  }
}
