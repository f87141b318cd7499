import type { Daemon } from "../daemon/index.ts";
import type { Loop, Timeout } from "../event/index.ts";

/**
 * Ends a daemon that nobody has used for a while: no client has been connected, and no guest runs.
 *
 *     off <-> on -> over
 *
 * set:  any but over; 0 s: off.
 * stop: any -> over.
 */
export class IdleEnd implements Disposable {
  readonly #loop: Loop;
  readonly #daemon: Daemon;
  readonly #hasGuests: () => Promise<boolean>;
  readonly #end: () => void;
  #timeoutMs = 0;
  #timeout: Timeout | undefined;
  #isOver = false;

  constructor(loop: Loop, daemon: Daemon, hasGuests: () => Promise<boolean>, end: () => void) {
    this.#loop = loop;
    this.#daemon = daemon;
    this.#hasGuests = hasGuests;
    this.#end = end;
  }

  set(seconds: number): void {
    if (this.#isOver) return;
    this.#timeoutMs = seconds * 1_000;
    this.#timeout?.remove();
    this.#timeout = undefined;
    if (seconds > 0) this.#wait(this.#loop.now() + this.#timeoutMs);
  }

  [Symbol.dispose](): void {
    this.set(0);
    this.#isOver = true;
  }

  #wait(deadline: number): void {
    this.#timeout = this.#loop.timeout(deadline, () => void this.#look(), { name: "end of an idle daemon" });
  }

  async #look(): Promise<void> {
    const { quietSince } = this.#daemon;
    const now = this.#loop.now();
    if (quietSince === undefined) return this.#wait(now + this.#timeoutMs);
    if (quietSince + this.#timeoutMs > now) return this.#wait(quietSince + this.#timeoutMs);
    const looked = this.#timeout;
    // Who cannot say how many guests there are has a reason to stay.
    const hasGuests = await this.#hasGuests().catch(() => true);
    if (this.#isOver || this.#timeout !== looked) return;
    if (hasGuests || this.#daemon.quietSince !== quietSince) return this.#wait(this.#loop.now() + this.#timeoutMs);
    this.#end();
  }
}
