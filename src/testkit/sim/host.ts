import { type Host, type Loop, type Readiness, Ready, type Token } from "../../event/index.ts";
import type { Step } from "../explorer/scheduler.ts";
import type { SimFile, SimKernel } from "./kernel.ts";

interface Entry {
  readonly token: Token;
  readonly fd: number;
  readonly file: SimFile;
  interest: Readiness;
}

/** What a simulated world leaves to somebody else: the order of results, and whether time may pass. */
export interface SimHostOptions {
  /** Picks the next result among `bound`; the explorer's `sim.choose`. Default: the first registered. */
  readonly choose?: (bound: number) => number;
}

/**
 * The core's world, simulated: virtual time, descriptors of a `SimKernel`, readiness as epoll keeps it (by open file,
 * so an entry is gone with its file and a reused number has none).
 *
 * In a plain unit test, call `runUntilIdle`; in the explorer, give an actor `actor(loop, sim)` as its body.
 */
export class SimHost implements Host {
  readonly kernel: SimKernel;
  readonly #entries = new Map<Token, Entry>();
  readonly #choose: (bound: number) => number;
  #now = 0;
  #deadline: number | undefined;
  #awake = false;
  #turn: (() => void) | undefined;

  constructor(kernel: SimKernel, options: SimHostOptions = {}) {
    this.kernel = kernel;
    this.#choose = options.choose ?? (() => 0);
  }

  /** What the host holds for the loop: nothing is left after close. */
  get size(): number {
    return this.#entries.size;
  }

  /** The time of the next wish for a turn, if there is one. */
  get deadline(): number | undefined {
    return this.#deadline;
  }

  get closed(): boolean {
    return this.#turn === undefined;
  }

  /** Whether a real host would begin a turn now. */
  get needsTurn(): boolean {
    if (this.closed) return false;
    if (this.#awake || (this.#deadline !== undefined && this.#deadline <= this.#now)) return true;
    return this.#ready().length > 0;
  }

  now(): number {
    return this.#now;
  }

  start(turn: () => void): void {
    this.#turn = turn;
  }

  arm(token: Token, fd: number, interest: Readiness, alwaysReady: boolean): void {
    const file = this.kernel.file(fd);
    if (file === undefined) throw new Error(`fd ${fd} is not open: watch it before it is closed`);
    if (file.unwatchable && !alwaysReady) throw new Error(`fd ${fd} cannot be watched: pass alwaysReady`);
    this.#entries.set(token, { token, fd, file, interest });
  }

  rearm(token: Token, interest: Readiness): void {
    const entry = this.#entries.get(token);
    if (entry !== undefined) entry.interest = interest;
  }

  disarm(token: Token): void {
    this.#entries.delete(token);
  }

  poll(report: (token: Token, ready: Readiness) => void): void {
    this.#awake = false;
    const ready = this.#ready();
    while (ready.length > 0) {
      const [entry] = ready.splice(this.#choose(ready.length), 1) as [Entry];
      report(entry.token, readiness(entry));
    }
  }

  wakeAt(deadline: number | undefined): void {
    this.#deadline = deadline;
  }

  wake(): void {
    this.#awake = true;
  }

  close(): void {
    this.#turn = undefined;
    this.#deadline = undefined;
    this.#entries.clear();
  }

  /** Virtual time passes. */
  advance(ms: number): void {
    this.#now += ms;
  }

  /** Whole turns until nothing is ready or due; time stands still. Throws after `limit` turns. */
  runUntilIdle(limit = 1_000): void {
    for (let turns = 0; this.needsTurn; turns++) {
      if (turns === limit) throw new Error(`the loop is not idle after ${limit} turns`);
      this.#turn?.();
    }
  }

  /** The same while time passes: on to the next deadline, as long as that is not after `until`. */
  runUntil(until: number): void {
    this.runUntilIdle();
    while (this.#deadline !== undefined && this.#deadline <= until) {
      this.#now = Math.max(this.#now, this.#deadline);
      this.runUntilIdle();
    }
    this.#now = Math.max(this.#now, until);
  }

  /** The loop's thread as an actor's body: sleeps, then takes a turn step by step, until the host is closed. */
  *actor(loop: Loop, turns = Infinity): Generator<Step, void, void> {
    for (let turn = 0; turn < turns && !this.closed; turn++) {
      yield { label: "sleep in poll", kind: "wait", ready: () => this.needsTurn || this.closed };
      for (const step of loop.turn()) yield { label: step, kind: "step" };
    }
  }

  /** Time as an actor's body: whenever the loop waits for a deadline, that moment may come. */
  *clock(): Generator<Step, void, void> {
    while (!this.closed) {
      yield { label: "time passes", kind: "wait", ready: () => this.closed || (this.#deadline ?? -1) > this.#now };
      this.#now = Math.max(this.#now, this.#deadline ?? this.#now);
    }
  }

  #ready(): Entry[] {
    return [...this.#entries.values()].filter((entry) => readiness(entry) !== Ready.none && this.#isOpen(entry));
  }

  #isOpen({ fd, file }: Entry): boolean {
    return this.kernel.file(fd) === file;
  }
}

function readiness({ file, interest }: Entry): Readiness {
  if (interest === Ready.none) return Ready.none;
  return file.unwatchable ? interest : file.ready & (interest | Ready.error | Ready.hangup);
}
