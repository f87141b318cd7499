import { type Readiness, Ready } from "./host.ts";
import { type Keeper, Registration, type RegistrationOptions } from "./registration.ts";

export interface WatchOptions extends RegistrationOptions {
  /** A descriptor that the kernel cannot watch (a regular file) counts as always ready instead of being refused. */
  readonly alwaysReady?: boolean;
}

const everything = Ready.readable | Ready.writable | Ready.error | Ready.hangup;

/** May be async: then the watch pauses until the promise settles, so that calls never overlap. */
export type WatchCallback = (ready: Readiness, watch: Watch) => unknown;

/** Interest in a file descriptor; `Loop.watch` makes one. Level-triggered: what is still ready is reported again. */
export class Watch extends Registration {
  readonly fd: number;
  readonly #callback: WatchCallback;
  #interest: Readiness;
  #paused = false;

  constructor(keeper: Keeper, fd: number, interest: Readiness, callback: WatchCallback, options: WatchOptions) {
    if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`not a file descriptor: ${fd}`);
    checkInterest(interest);
    super(keeper, `watch on fd ${fd}`, options);
    this.fd = fd;
    this.#callback = callback;
    this.#interest = interest;
    // The record is complete: only now may readiness exist.
    try {
      keeper.host.arm(this.id, fd, interest, options.alwaysReady ?? false);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  get interest(): Readiness {
    return this.#interest;
  }

  /** Changes what is asked for, bits of `Ready`. Nothing after remove. */
  modify(interest: Readiness): void {
    checkInterest(interest);
    if (this.state !== "active") return;
    this.#interest = interest;
    if (!this.#paused) this.keeper.host.rearm(this.id, interest);
  }

  /** The turn found the descriptor ready and has just compared the token. */
  enter(ready: Readiness): void {
    if (this.running) {
      this.#paused = true;
      this.keeper.host.rearm(this.id, Ready.none);
      return;
    }
    const wanted = ready & (this.#interest | Ready.error | Ready.hangup);
    if (this.#interest === Ready.none || wanted === Ready.none) return;
    this.call(() => this.#callback(wanted, this));
  }

  protected override withdraw(): void {
    this.keeper.host.disarm(this.id);
  }

  protected override settle(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.keeper.host.rearm(this.id, this.#interest);
  }
}

function checkInterest(interest: Readiness): void {
  if ((interest & ~everything) === 0) return;
  throw new RangeError(
    `interest is made of Ready.readable, writable, error and hangup, or Ready.none, not ${interest}`,
  );
}
