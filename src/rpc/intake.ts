import type { IncomingCall } from "./incoming-call.ts";

export interface IntakeOptions {
  /** Calls that may be under way at once. */
  readonly limit: number;
  /** Hands a call on; it ends by `done`, now or later. */
  readonly deliver: (call: IncomingCall) => void;
  /** Whether it overtakes those that wait because too many are under way. */
  readonly isUrgent: (call: IncomingCall) => boolean;
  /** Whether the peer reads its replies too slowly for more of them. */
  readonly isCongested: () => boolean;
  /** Whether reading is to stop: calls wait here. Heard only when it changes. */
  readonly onFull: (full: boolean) => void;
  /** Calls `pump` in a later turn. */
  readonly postpone: () => void;
}

/** Calls handed on in one go: others have their turn in between. */
const burst = 16;

/**
 * Calls on their way in, in the order of arrival: so many at once, the others wait, and the peer with them. What is
 * urgent waits only for a peer that does not read its replies.
 *
 * add:   queues a call; `pump` is to follow.
 * pump:  hands on what can be; after something was added, and when the peer has read its replies.
 * done:  a call that was handed on is answered.
 * close: what waits is dropped, and nothing is handed on any more.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #waiting: IncomingCall[] = [];
  #underWay = 0;
  #full = false;
  #pumping = false;
  #closed = false;
  #mayHaveUrgent = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Calls handed on and not yet answered. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Calls that have not been handed on yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(call: IncomingCall): void {
    this.#mayHaveUrgent ||= this.#options.isUrgent(call);
    this.#waiting.push(call);
  }

  done(): void {
    this.#underWay--;
    this.pump();
  }

  close(): void {
    this.#closed = true;
    for (const call of this.#waiting) call.drop();
    this.#waiting = [];
  }

  pump(): void {
    // An answer given at once comes back here: the loop below goes on, one level up.
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    let taken = 0;
    for (; taken < Math.min(burst, this.#waiting.length) && this.#isOpen(); taken++) {
      this.#underWay++;
      this.#options.deliver(this.#waiting[taken] as IncomingCall);
    }
    this.#waiting.splice(0, taken);
    if (this.#mayHaveUrgent && !this.#closed && !this.#options.isCongested()) this.#pumpUrgent();
    this.#pumping = false;
    if (taken === burst && this.#waiting.length > 0) this.#options.postpone();
    this.#noteFull();
  }

  #pumpUrgent(): void {
    const { isUrgent, deliver, postpone } = this.#options;
    this.#mayHaveUrgent = false;
    // While the burst lasts it comes after the calls before it: one of them may be what it is about.
    if (this.#underWay < this.#options.limit) {
      this.#mayHaveUrgent = this.#waiting.length > 0;
      return;
    }
    const urgent = this.#waiting.filter(isUrgent);
    if (urgent.length === 0) return;
    this.#waiting = this.#waiting.filter((call) => !isUrgent(call));
    this.#underWay += urgent.length;
    for (const call of urgent) deliver(call);
    // There may be room for others now.
    postpone();
  }

  #noteFull(): void {
    const full = this.#waiting.length > 0;
    if (full === this.#full || this.#closed) return;
    this.#full = full;
    this.#options.onFull(full);
  }

  #isOpen(): boolean {
    return !this.#closed && this.#underWay < this.#options.limit && !this.#options.isCongested();
  }
}
