import { Ready } from "../../event/index.ts";
import type { Step } from "../explorer/scheduler.ts";
import type { Sim } from "../explorer/sim.ts";
import type { Body } from "../explorer/task.ts";
import { SimFile, SimKernel } from "../sim/kernel.ts";
import { Mutex } from "../sim/mutex.ts";
import { Resource } from "../sim/resource.ts";

/** In the lab time stands still: what is due is due from the start. */
export const labTime = 0;

/** One registration of an event object: for the lab's own book-keeping, which no protocol may look at. */
export class Registration {
  readonly name: string;
  ended = false;

  constructor(name: string) {
    this.name = name;
  }
}

/** The library's event object: embedded in an operation's memory, registered, deregistered, registered again. */
export class LibraryEvent {
  readonly memory: Resource;
  readonly name: string;
  fd = -1;
  /** A deadline, for a timeout. */
  at = 0;
  /** The library's own field "is it registered". */
  registered = false;
  /** Which registration that is. */
  current: Registration | undefined;
  /** What the application gave for it: C's `for_app`. */
  cookie: unknown;
  /** Acting takes what there is to read; two watches on one descriptor leave it, so that both hear of it. */
  takes = true;
  /** How often the library acted on it. */
  acted = 0;
  /** Runs where the library acts, under the context lock. */
  onAct: (() => Body) | undefined;

  constructor(sim: Sim, name: string) {
    this.name = name;
    this.memory = new Resource(sim, name);
  }
}

/** What one execution of the lab shares: a kernel, and a library with its context. */
export class World {
  readonly sim: Sim;
  readonly kernel = new SimKernel();
  readonly contextLock: Mutex;
  readonly context: Resource;
  readonly #busy: boolean;
  #registrations = 0;

  constructor(sim: Sim, busy: boolean) {
    this.sim = sim;
    this.#busy = busy;
    this.contextLock = new Mutex(sim, "context lock");
    this.context = new Resource(sim, "the context");
  }

  /** The step in which a loop waits for something to happen. */
  sleep(ready: () => boolean): Step {
    const label = "sleep in poll";
    return this.#busy ? this.sim.pause(label, ready) : this.sim.until(label, ready);
  }

  event(name: string): LibraryEvent {
    return new LibraryEvent(this.sim, name);
  }

  /** An open descriptor; `ready` says whether there is something to read. */
  open(name: string, ready: boolean): number {
    const file = new SimFile(name);
    if (ready) file.ready = Ready.readable;
    return this.kernel.open(file);
  }

  isReadable(fd: number): boolean {
    return ((this.kernel.file(fd)?.ready ?? 0) & Ready.readable) !== 0;
  }

  begin(event: LibraryEvent): Registration {
    event.registered = true;
    event.current = new Registration(`registration ${++this.#registrations}`);
    return event.current;
  }

  end(event: LibraryEvent): void {
    event.registered = false;
    if (event.current !== undefined) event.current.ended = true;
    event.current = undefined;
  }

  /**
   * The library acts on `event` because of a call made for registration `by`. Here the lab judges: the memory must be
   * alive; the event must be registered; a timeout must be completed by its own call; what is said to be readable must
   * be (then it does not matter whose call said so: libxl's fd nexus rests on that).
   */
  *act(event: LibraryEvent, by: Registration, kind: "fd" | "timeout"): Body {
    event.memory.use("acted on");
    const present = event.current;
    if (present === undefined) this.sim.fail("assertion", `a call for ${by.name} was acted on after its end`);
    if (kind === "timeout" && present !== by) {
      this.sim.fail("assertion", `a late call for ${by.name} was taken for ${present.name}`);
    }
    if (kind === "timeout" && event.at > labTime) this.sim.fail("assertion", `${by.name} fired before its deadline`);
    if (kind === "fd" && !this.isReadable(event.fd)) {
      this.sim.fail("assertion", `${present.name} was told of somebody else's readiness`);
    }
    this.sim.note(`acts on ${by.name}`);
    event.acted++;
    if (kind === "fd" && event.takes) this.kernel.file(event.fd)?.read();
    if (kind === "timeout") this.end(event);
    if (event.onAct !== undefined) yield* event.onAct();
  }
}
