import { type OseventHooks, Ready } from "../../event/index.ts";
import type { Sim } from "../explorer/sim.ts";
import { SimFile } from "../sim/kernel.ts";
import { Resource } from "../sim/resource.ts";
import type { FakeChild, FakeMachine } from "./fake-machine.ts";
import { FakeOsevents, type FakeRegistration, type LibxlForm } from "./fake-osevents.ts";

export const rc = { timedOut: -9, notFound: -23, aborted: -22 } as const;

interface Listener {
  readonly hooks: OseventHooks<Registered>;
}

interface RequestListener {
  ended(completion: { readonly rc: number; readonly domid?: number }): void;
  consoleAvailable(domid: number): void;
}

interface DeathEvent {
  readonly type: "death";
  readonly domid: number;
}

/** One registration, and what the library does when a call for it comes. */
export interface Registered extends FakeRegistration {
  readonly fd: number;
  readonly occurred: () => void;
}

/**
 * A context of libxl for the explorer: hooks, descriptors, timeouts, operations with children, deaths. It has the methods of
 * libxl's binding and judges whoever calls them by libxl's own rules: nothing from inside it, nothing after its end, each
 * timeout completed once, and its end only when nothing is under way.
 */
export class FakeLibxl {
  readonly version: LibxlForm;
  readonly sim: Pick<Sim, "fail" | "note">;
  readonly machine: FakeMachine;
  readonly context: Resource;
  readonly operations = new Set<FakeOperation>();
  readonly #wallClock: () => number;
  readonly #osevents: FakeOsevents<Registered>;
  readonly #timeouts = new Set<Registered>();
  readonly #generators = new Map<(event: DeathEvent) => void, number>();
  #xenstore: { readonly file: SimFile; readonly registration: Registered } | undefined;
  #inside = false;

  constructor(
    sim: Pick<Sim, "fail" | "note">,
    machine: FakeMachine,
    options: { readonly form: LibxlForm; readonly wallClock: () => number },
  ) {
    this.sim = sim;
    this.machine = machine;
    this.version = options.form;
    this.#osevents = new FakeOsevents(sim, options.form);
    this.#wallClock = options.wallClock;
    this.context = new Resource(sim, "the context");
  }

  /** Events that are still enabled. */
  get generators(): number {
    return this.#generators.size;
  }

  attach(listener: Listener): void {
    this.#osevents.attach(listener.hooks);
  }

  dispose(): void {
    this.enter("ctx_free", () => {
      if (this.operations.size > 0) this.sim.fail("assertion", "the context is freed with an operation under way");
      if (this.#timeouts.size > 0) this.sim.fail("assertion", "the context is freed with a timeout out");
      if (this.#xenstore !== undefined) {
        this.machine.xenstores.delete(this.#xenstore.file);
        this.fdDeregister(this.#xenstore.registration);
      }
      this.context.release();
    });
  }

  domains(): never[] {
    return this.enter("list_domain", () => []);
  }

  domain(): number {
    return rc.notFound;
  }

  nameOf(): undefined {
    return undefined;
  }

  consolePath(): string {
    return "/dev/pts/0";
  }

  vcpus(): number {
    return -3;
  }

  pinVcpu(): number {
    return 0;
  }

  setMemoryTarget(): number {
    return 0;
  }

  shiftMemoryTarget(): number {
    return -3;
  }

  neededMemory(): number {
    return -3;
  }

  commandLine(): string {
    return "";
  }

  physical(): number {
    return -3;
  }

  topology(): number {
    return -3;
  }

  scheduler(): "credit2" {
    return "credit2";
  }

  schedule(): { weight: number } {
    return { weight: 256 };
  }

  setSchedule(): number {
    return 0;
  }

  start({ call }: { readonly call: string }, listener: RequestListener): { abort(): number } {
    return this.enter("start", () => {
      const operation = new FakeOperation(this, listener, call !== "dump");
      this.operations.add(operation);
      return { abort: () => this.enter("ao_abort", () => operation.abort()) };
    });
  }

  onDeath(domid: number, tell: (event: DeathEvent) => void): { disable(): void } {
    return this.enter("evenable", () => {
      this.#generators.set(tell, domid);
      this.#watchXenstore();
      return { disable: () => this.enter("evdisable", () => void this.#generators.delete(tell)) };
    });
  }

  onEject(domid: number, _vdev: string, tell: (event: DeathEvent) => void): { disable(): void } {
    return this.onDeath(domid, tell);
  }

  /** Reaps children of its own, and leaves those of others alone. */
  childEnded(): void {
    this.enter("sigchld_occurred", () => {
      for (const operation of this.operations) operation.reap();
    });
  }

  occurredFd(registration: Registered, fd: number): void {
    this.enter("occurred_fd", () => {
      const isReady = ((this.machine.kernel.file(registration.fd)?.ready ?? 0) & Ready.readable) !== 0;
      if (!this.#osevents.heeds(registration, () => isReady)) return;
      if (!registration.wanted) this.sim.fail("assertion", "told of what has ended");
      if (!isReady || fd !== registration.fd) this.sim.fail("assertion", "told of somebody else's readiness");
      registration.occurred();
    });
  }

  occurredTimeout(registration: Registered): void {
    this.enter("occurred_timeout", () => {
      this.#timeouts.delete(registration);
      if (!this.#osevents.heeds(registration, () => false)) return;
      if (!registration.wanted) this.sim.fail("assertion", "told of a timeout that has ended");
      registration.wanted = false;
      registration.occurred();
    });
  }

  /** Whoever is in here holds the context's lock. */
  enter<T>(call: string, action: () => T): T {
    if (this.#inside) this.sim.fail("assertion", `${call} is called from inside the library`);
    this.context.use(`entered by ${call}`);
    this.sim.note(call);
    this.#inside = true;
    try {
      return action();
    } finally {
      this.#inside = false;
    }
  }

  fdRegister(fd: number, name: string, owner: Resource, occurred: () => void): Registered {
    const registered = { ...this.#osevents.registration("fd", name, owner), fd, occurred };
    this.#osevents.fdRegister(registered, fd);
    return registered;
  }

  fdDeregister(registration: Registered): void {
    this.#osevents.fdDeregister(registration);
  }

  timeoutRegister(ms: number, name: string, owner: Resource, occurred: () => void): Registered {
    const registered = { ...this.#osevents.registration("timeout", name, owner), fd: -1, occurred };
    const at = this.#wallClock() + ms;
    this.#timeouts.add(registered);
    this.#osevents.timeoutRegister(registered, {
      seconds: Math.floor(at / 1_000),
      microseconds: (at % 1_000) * 1_000,
    });
    return registered;
  }

  timeoutEnd(registration: Registered): void {
    if (!this.#timeouts.has(registration) || !registration.wanted) return;
    if (this.version === "2012") this.#timeouts.delete(registration);
    this.#osevents.timeoutEnd(registration);
  }

  #watchXenstore(): void {
    if (this.#xenstore !== undefined) return;
    const file = new SimFile("xenstore");
    file.ready |= Ready.readable;
    this.machine.xenstores.add(file);
    const fd = this.machine.kernel.open(file);
    const registration = this.fdRegister(fd, "xenstore", this.context, () => {
      file.ready = Ready.none;
      for (const [tell, domid] of this.#generators) {
        if (this.machine.dead.has(domid)) tell({ type: "death", domid });
      }
    });
    this.#xenstore = { file, registration };
  }
}

/**
 * Ends when its child has both hung up and exited; one that times out or is aborted kills the child, and waits for it too.
 * A "dump" has no timeout.
 */
export class FakeOperation {
  readonly child: FakeChild;
  readonly #libxl: FakeLibxl;
  readonly #listener: RequestListener;
  readonly #memory: Resource;
  readonly #fd: Registered;
  readonly #timeout: Registered | undefined;
  #hungUp = false;
  #isOver = false;
  #rc = 0;

  constructor(libxl: FakeLibxl, listener: RequestListener, isTimed: boolean) {
    this.#libxl = libxl;
    this.#listener = listener;
    this.#memory = new Resource(libxl.sim, "the operation");
    this.child = libxl.machine.fork("the operation's child");
    this.#fd = libxl.fdRegister(this.child.fd, "the pipe", this.#memory, () => {
      this.#hungUp = true;
      this.#libxl.fdDeregister(this.#fd);
      this.#libxl.machine.kernel.close(this.child.fd);
      this.#check();
    });
    const late = (): void => this.#kill(rc.timedOut);
    if (isTimed) this.#timeout = libxl.timeoutRegister(10, "the timeout", this.#memory, late);
  }

  abort(): number {
    if (this.#isOver) return rc.notFound;
    this.#kill(rc.aborted);
    return 0;
  }

  reap(): void {
    if (this.child.state !== "zombie") return;
    this.child.state = "reaped";
    this.#check();
  }

  #kill(reason: number): void {
    this.#memory.use();
    if (this.#rc === 0) this.#rc = reason;
    this.child.hangUp();
    this.#libxl.machine.exit(this.child);
  }

  #check(): void {
    this.#memory.use();
    if (!this.#hungUp || this.child.state !== "reaped") return;
    this.#isOver = true;
    if (this.#timeout !== undefined) this.#libxl.timeoutEnd(this.#timeout);
    this.#libxl.operations.delete(this);
    this.#memory.release();
    this.#listener.ended(this.#rc === 0 ? { rc: 0, domid: 1 } : { rc: this.#rc });
  }
}
