import { DeadlineError, type Loop, type Timeout } from "../event/index.ts";
import type { Outbox } from "./outbox.ts";

export interface PressureOptions {
  readonly loop: Loop;
  readonly outbox: Pick<Outbox, "pending" | "taken">;
  /** Bytes that may wait for the peer, beside one message. */
  readonly limit: number;
  /** How long the peer may take nothing while its calls are held back, in ms; undefined: for ever. */
  readonly patienceMs: number | undefined;
  /** It has taken nothing for so long. */
  readonly onOver: (error: DeadlineError) => void;
}

/** With more than this waiting for the peer, in bytes, no more calls are taken from it: what it asks for would wait too. */
const callsMark = 131_072;
/**
 * With more than this, data of streams and what can be read again from a journal wait at their source. A packet more
 * does not reach the other mark: so streams alone never hold calls back, and whoever stops reading one may take its time.
 */
const dataMark = 65_536;
/** How often in its time it is asked whether the peer has taken something. */
const looks = 4;

/**
 * What waits for a peer that reads more slowly than it is written to: from which mark on what is to wait, and for how
 * long. Events cannot be held back: for them there is the outbox's limit.
 *
 *     idle <-> watching
 *
 * watch: idle -> watching; idempotent. The transport has more than the peer takes.
 * stop:  any -> idle; the transport is drained, or closed.
 */
export class Pressure {
  readonly #options: PressureOptions;
  /** While watching. */
  #timeout: Timeout | undefined;
  /** What the peer had taken when it was seen last that it takes something, or that nothing is held back. */
  #taken = 0;
  #since = 0;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  get holdsCalls(): boolean {
    return this.#options.outbox.pending > Math.min(callsMark, this.#options.limit);
  }

  get holdsData(): boolean {
    return this.#options.outbox.pending > Math.min(dataMark, this.#options.limit);
  }

  watch(): void {
    const { loop, outbox, patienceMs } = this.#options;
    if (patienceMs === undefined || this.#timeout !== undefined) return;
    this.#taken = outbox.taken;
    this.#since = loop.now();
    this.#timeout = loop.timeout(this.#since + patienceMs / looks, () => this.#look(patienceMs), { name: "patience" });
  }

  stop(): void {
    this.#timeout?.remove();
    this.#timeout = undefined;
  }

  #look(patienceMs: number): void {
    const { loop, outbox, onOver } = this.#options;
    const now = loop.now();
    if (!this.holdsCalls || outbox.taken !== this.#taken) {
      this.#taken = outbox.taken;
      this.#since = now;
    }
    const ms = now - this.#since;
    if (ms >= patienceMs) {
      const waiting = `${outbox.pending} bytes wait for it`;
      return onOver(new DeadlineError(`the peer does not read: ${waiting}, and it has taken none for ${ms} ms`));
    }
    this.#timeout?.modify(now + patienceMs / looks);
  }
}
