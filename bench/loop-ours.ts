import { type Deadline, Ready, type RegistrationOptions } from "../src/event/index.ts";
import { openLoop } from "../src/os/index.ts";
import * as libc from "../src/os/libc.ts";
import { pairSockets } from "../src/os/socket.ts";

/** What is there while the bench measures. */
export interface Setting {
  /** Unix sockets on which nothing ever arrives. */
  readonly idle: number;
  readonly timeouts: number;
}

const spareCount = 200;
const dispatchBudgetMs = 60;
const hourMs = 3_600_000;

/** Our loop, prepared for one setting; the counterpart of loop-libvirt.c and loop-epoll.c. */
export class OurLoop {
  readonly #loop = openLoop();
  readonly #fds: number[] = [];
  readonly #spare = Array.from({ length: spareCount }, () => this.#openEvent());
  readonly #active = this.#openEvent();
  readonly #timeouts: number;
  #onDispatched: (() => void) | undefined;

  constructor({ idle, timeouts }: Setting) {
    this.#timeouts = timeouts;
    const sockets = Array.from({ length: Math.ceil(idle / 2) }, pairSockets).flat();
    this.#fds.push(...sockets);
    for (const fd of sockets.slice(0, idle)) this.#loop.watch(fd, Ready.readable, () => {});
    for (let count = 0; count < timeouts; count++) this.#loop.timeout(this.#inAnHour(), () => {});
    const counter = new Uint8Array(8);
    this.#loop.watch(this.#active, Ready.readable, () => {
      libc.read(this.#active, counter, counter.length);
      this.#onDispatched?.();
    });
  }

  /** Nanoseconds per operation, in the order of enum measure in loop-native.h, and for a dispatch all alone. */
  async round(): Promise<number[]> {
    const watch = (fd: number, options: RegistrationOptions) => this.#loop.watch(fd, Ready.readable, () => {}, options);
    const watches = await this.#operations(watch, Ready.none, () => Ready.readable);
    const dispatch = await this.#dispatch((write) => write());
    // Written when the loop has gone to sleep: there is no turn in a row then.
    const alone = await this.#dispatch((write) => setImmediate(write));
    if (this.#timeouts === 0) return [...watches, dispatch, -1, -1, -1, alone];
    const timeout = (_: number, options: RegistrationOptions) =>
      this.#loop.timeout(this.#inAnHour(), () => {}, options);
    const timeouts = await this.#operations<Deadline>(timeout, "never", () => this.#inAnHour());
    return [...watches, dispatch, ...timeouts, alone];
  }

  async close(): Promise<void> {
    await this.#loop.close();
    for (const fd of this.#fds) libc.close(fd);
  }

  /** Register, modify to `off` and back, remove: until the last release function has run. */
  async #operations<W>(
    register: (fd: number, options: RegistrationOptions) => { modify(wish: W): void; remove(): void },
    off: W,
    on: () => W,
  ): Promise<number[]> {
    const { promise: released, resolve } = Promise.withResolvers<number>();
    let left = spareCount;
    const release = (): void => {
      if (--left === 0) resolve(now());
    };
    const start = now();
    const registrations = this.#spare.map((fd) => register(fd, { release }));
    const registered = now();
    for (const registration of registrations) registration.modify(off);
    for (const registration of registrations) registration.modify(on());
    const modified = now();
    for (const registration of registrations) registration.remove();
    const spent = [registered - start, (modified - registered) / 2, (await released) - modified];
    return spent.map((total) => total / spareCount);
  }

  /** Writes to one descriptor and goes back to the event loop until its callback runs, over and over. */
  #dispatch(next: (write: () => void) => void): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const one = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
    const write = (): void => {
      libc.write(this.#active, one, one.length);
    };
    const start = now();
    let count = 0;
    this.#onDispatched = () => {
      const spent = now() - start;
      if (spent > dispatchBudgetMs * 1e6) return resolve(spent / count);
      count++;
      next(write);
    };
    this.#onDispatched();
    return promise;
  }

  #openEvent(): number {
    const nonBlockingCloseOnExec = 0o2004000;
    const fd = libc.check(libc.eventfd(0, nonBlockingCloseOnExec), "eventfd", "of the bench");
    this.#fds.push(fd);
    return fd;
  }

  #inAnHour(): number {
    return this.#loop.now() + hourMs;
  }
}

function now(): number {
  return performance.now() * 1e6;
}
