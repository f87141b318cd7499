import { type Host, Loop, type Readiness, type TimeoutOptions } from "../../event/index.ts";
import { Ending } from "../explorer/ending.ts";
import type { Sim } from "../explorer/sim.ts";
import type { Body } from "../explorer/task.ts";
import type { SimKernel } from "../sim/kernel.ts";
import { Pipe } from "./pipe.ts";
import { TimeoutWitness, WatchWitness } from "./witness.ts";

/**
 * One loop under observation: what it registers has a witness, and when nothing can happen any more the loop is closed
 * and must have kept nothing.
 */
export abstract class World {
  readonly sim: Sim;
  readonly kernel: SimKernel;
  readonly loop: Loop;
  readonly witnesses: { readonly name: string; readonly released: boolean }[] = [];
  /** What callbacks threw, as the loop has reported it. */
  readonly errors: string[] = [];
  /** How many turns have begun. */
  turns = 0;
  /** `close` was called: nothing may be called back any more. */
  closing = false;
  readonly #checks: (() => void)[] = [];

  constructor(sim: Sim, kernel: SimKernel, host: Host) {
    this.sim = sim;
    this.kernel = kernel;
    this.#countTurns(host);
    this.loop = new Loop(host, { onError: (error, source) => this.errors.push(`${source}: ${String(error)}`) });
    sim.atEnd(() => this.#checkEnd());
  }

  /** Whether the host tells one open file from another that has its number now; if not, watches must go first. */
  abstract readonly tellsFilesApart: boolean;
  /** Whether the loop's thread sleeps, so that the continuation of an async callback may run. */
  protected abstract readonly asleep: boolean;
  /** Lets the loop run without steps until it has nothing to do. */
  protected abstract runOn(): void;
  /** A stretch of foreign code, inside a callback on the loop's thread; where the turn has steps, so has this. */
  abstract section(label: string, action: () => void): PromiseLike<void> | undefined;
  /** What the host still holds for the loop. */
  protected abstract readonly held: number;

  fail(message: string): never {
    return this.sim.fail("assertion", message);
  }

  /** A check for when nothing can happen any more, before the loop is closed. */
  atRest(check: () => void): void {
    this.#checks.push(check);
  }

  /** Opens a pipe under the lowest free number. */
  pipe(name: string): Pipe {
    const pipe = new Pipe(name);
    pipe.fd = this.kernel.open(pipe);
    return pipe;
  }

  watch(pipe: Pipe, interest: Readiness, callback: (self: WatchWitness) => unknown): WatchWitness {
    const witness = new WatchWitness(this, pipe);
    const release = (): void => witness.release();
    const ready = (events: Readiness): unknown => witness.ready(events, () => callback(witness));
    witness.begin(this.loop.watch(pipe.fd, interest, ready, { name: witness.name, release }));
    return witness;
  }

  timeout(
    name: string,
    at: number | "now" | "never",
    callback: (self: TimeoutWitness) => unknown,
    options: TimeoutOptions = {},
  ): TimeoutWitness {
    const witness = new TimeoutWitness(this, name, at, options.every);
    const release = (): void => witness.release();
    const fired = (): unknown => witness.fired(() => callback(witness));
    witness.begin(this.loop.timeout(at, fired, { ...options, name, release }));
    return witness;
  }

  /** Another thread has the loop's thread do something; goes on when that is done. */
  *ask(label: string, action: () => void): Body {
    let done = false;
    yield this.sim.step(`post: ${label}`);
    this.loop.post(() => {
      this.sim.note(label);
      action();
      done = true;
    });
    yield this.sim.until(`wait: ${label}`, () => done);
  }

  /** On the loop's thread. */
  close(timeoutMs = Infinity): void {
    this.closing = true;
    this.loop.close(timeoutMs).catch(() => undefined);
  }

  /**
   * What an async callback returns: `body` is what it does after its first await. As with promises it runs on the
   * loop's thread, but never inside a turn.
   */
  later(name: string, body: () => Body): PromiseLike<void> {
    const ending = new Ending();
    const free = (): boolean => this.asleep;
    this.sim.spawn(name, function* () {
      yield { label: "wait for the thread", kind: "wait", ready: free };
      try {
        for (const step of body()) yield { ...step, kind: "wait", ready: () => free() && (step.ready?.() ?? true) };
        ending.end();
      } catch (error) {
        ending.fail(error);
      }
    });
    return ending;
  }

  #countTurns(host: Host): void {
    const poll = host.poll.bind(host);
    host.poll = (report) => {
      this.turns++;
      poll(report);
    };
  }

  /** The end of everything: closing terminates, each registration was released once, and nothing is left anywhere. */
  #checkEnd(): void {
    for (const check of this.#checks) check();
    this.close();
    this.runOn();
    if (this.loop.state !== "closed") this.fail(`the loop does not close: ${this.loop.size} registrations are left`);
    for (const { name, released } of this.witnesses) if (!released) this.fail(`${name} is never released`);
    if (this.held > 0) this.fail(`the host still holds ${this.held} entries`);
  }
}
