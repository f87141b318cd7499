import { type CookieCell, Loop, OseventHooks, Poll, type TimeOfDay, type Token } from "../../event/index.ts";
import type { Body } from "../explorer/task.ts";
import { FakeOsevents, type FakeRegistration, type LibxlForm } from "../fake-libxl/fake-osevents.ts";
import { SimHost } from "../sim/host.ts";
import type { Kind, Rig } from "./rig.ts";
import type { LibraryEvent, Registration, World } from "./world.ts";

export interface OursOptions {
  /** Which libxl stands behind the hooks: one that trusts every call, or one with a nexus that polls again. */
  readonly libxl: LibxlForm;
  /**
   * How other threads reach the library: by a post, by a message that is on its way for a while (a worker or a process
   * of its own), or, as an ablation, directly.
   */
  readonly access: "post" | "message" | "direct";
}

/** What the library hands us for a registration, C's `for_libxl`. */
interface ForLibrary extends FakeRegistration {
  readonly event: LibraryEvent;
  readonly registration: Registration;
}

/** virtwright: the real `Loop` and `OseventHooks` on a simulated host, before a model of the library. */
export class OursRig implements Rig {
  readonly #world: World;
  readonly #options: OursOptions;
  readonly #host: SimHost;
  readonly #loop: Loop;
  readonly #hooks: OseventHooks<ForLibrary>;
  readonly #osevents: FakeOsevents<ForLibrary>;
  /** What is registered for each event object, or was last. */
  readonly #current = new Map<LibraryEvent, ForLibrary>();
  /** Messages on their way. */
  readonly #channel: (() => void)[] = [];

  constructor(world: World, options: OursOptions) {
    this.#world = world;
    this.#options = options;
    this.#host = new SimHost(world.kernel, { choose: (bound) => world.sim.choose(bound) });
    this.#loop = new Loop(this.#host, {
      onError: (error, source) => world.sim.fail("assertion", `${source}: ${String(error)}`),
    });
    const library = {
      occurredFd: (it: ForLibrary) => world.sim.call("occurred_fd", () => this.#occurred(it)),
      occurredTimeout: (it: ForLibrary) => world.sim.call("occurred_timeout", () => this.#occurred(it)),
    };
    this.#hooks = new OseventHooks(this.#loop, library, { wallClock: () => this.#host.now() });
    this.#osevents = new FakeOsevents(world.sim, options.libxl);
    this.#osevents.attach(this.#hooks);
  }

  get leftOver(): number {
    return Math.max(this.#hooks.size, this.#loop.size);
  }

  start(): void {
    this.#world.sim.serve("loop", () => this.#thread());
    if (this.#options.access === "message") this.#world.sim.serve("channel", () => this.#deliver());
  }

  *enter(section: () => Body): Body {
    if (this.#options.access === "direct") return yield* this.#locked(section);
    let done = false;
    const run = (): PromiseLike<void> =>
      this.#world.sim
        .call("library section", () => this.#locked(section))
        .then(() => {
          done = true;
        });
    yield this.#world.sim.step(this.#options.access);
    if (this.#options.access === "message") this.#channel.push(() => this.#loop.post(run));
    else this.#loop.post(run);
    yield this.#world.sim.until("wait for the section", () => done);
  }

  *fdRegister(event: LibraryEvent, fd: number): Body {
    yield this.#world.sim.step("fd_register");
    event.fd = fd;
    this.#osevents.fdRegister(this.#begin(event, "fd"), fd);
  }

  *fdUpdate(event: LibraryEvent, wanted: boolean): Body {
    yield this.#world.sim.step("fd_modify");
    this.#osevents.fdModify(this.#registered(event), wanted ? Poll.in : 0);
  }

  *fdDeregister(event: LibraryEvent): Body {
    yield this.#world.sim.step("fd_deregister");
    this.#world.end(event);
    this.#osevents.fdDeregister(this.#registered(event));
  }

  *timeoutRegister(event: LibraryEvent, at: number): Body {
    yield this.#world.sim.step("timeout_register");
    event.at = at;
    this.#osevents.timeoutRegister(this.#begin(event, "timeout"), timeOfDay(at));
  }

  *timeoutModify(event: LibraryEvent, at: number): Body {
    yield this.#world.sim.step("timeout_modify");
    event.at = at;
    this.#osevents.timeoutModify(this.#registered(event), timeOfDay(at));
  }

  *timeoutEnd(event: LibraryEvent): Body {
    yield this.#world.sim.step("timeout_end");
    this.#world.end(event);
    this.#osevents.timeoutEnd(this.#registered(event));
  }

  *free(event: LibraryEvent): Body {
    yield this.#world.sim.step(`free ${event.name}`);
    event.memory.release();
  }

  *dispose(internal: LibraryEvent): Body {
    if (this.#options.access !== "direct") yield this.#world.sim.until("drain", () => this.#hooks.drained);
    yield* this.enter(() => this.#dispose(internal));
  }

  *#dispose(internal: LibraryEvent): Body {
    yield* this.fdDeregister(internal);
    this.#hooks.close();
    this.#world.context.release();
  }

  *#thread(): Body {
    for (const step of this.#host.actor(this.#loop)) yield step.ready ? this.#world.sleep(step.ready) : step;
  }

  *#deliver(): Body {
    for (;;) {
      yield this.#world.sim.until("message arrives", () => this.#channel.length > 0);
      this.#channel.shift()?.();
    }
  }

  *#locked(section: () => Body): Body {
    yield* this.#world.contextLock.lock();
    yield* section();
    yield* this.#world.contextLock.unlock();
  }

  *#occurred(it: ForLibrary): Body {
    const { event, registration, kind } = it;
    this.#world.context.use("locked");
    yield* this.#world.contextLock.lock();
    this.#world.context.use("locked");
    if (this.#osevents.heeds(it, () => this.#world.isReadable(event.fd))) {
      yield* this.#world.act(event, registration, kind);
    }
    yield* this.#world.contextLock.unlock();
  }

  #begin(event: LibraryEvent, kind: Kind): ForLibrary {
    const registration = this.#world.begin(event);
    const common = this.#osevents.registration(kind, registration.name, event.memory, cellOf(event));
    const it = { ...common, event, registration };
    this.#current.set(event, it);
    return it;
  }

  #registered(event: LibraryEvent): ForLibrary {
    const it = this.#current.get(event);
    return it ?? this.#world.sim.fail("assertion", `${event.name} was never registered`);
  }
}

function cellOf(event: LibraryEvent): CookieCell {
  return {
    load: () => event.cookie as Token,
    store: (cookie) => {
      event.cookie = cookie;
    },
  };
}

/** The lab's clock stands at 0, and so does the library's: what is due is "now" to it. */
function timeOfDay(at: number): TimeOfDay {
  return { seconds: 0, microseconds: at * 1_000 };
}
