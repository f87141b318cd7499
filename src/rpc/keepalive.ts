import type { Loop, Timeout } from "../event/index.ts";

export interface KeepaliveOptions {
  /** Silence after which the peer is asked, and again after as much more. */
  readonly intervalMs: number;
  /** How often it is asked before it counts as dead; so that is after `intervalMs * (count + 1)` of silence. */
  readonly count: number;
}

/** What a keepalive does to its connection. */
export interface KeepaliveActions {
  ping(): void;
  pong(): void;
  dead(silentMs: number): void;
}

/**
 * Asks a silent peer for a sign of life. Works from the timer and from what is received, never behind a call.
 *
 * heard:  anything at all was received.
 * deafen: we do not read for now. Then silence says nothing about the peer, and its own pings wait unread in the
 *         socket: a pong per interval answers them.
 * stop:   no action from here on. Idempotent.
 */
export class Keepalive {
  readonly #loop: Loop;
  readonly #options: KeepaliveOptions;
  readonly #actions: KeepaliveActions;
  readonly #timeout: Timeout;
  #heardAt: number;
  /** When the peer was last heard or asked. */
  #quietSince: number;
  #asked = 0;
  #deaf = false;

  constructor(loop: Loop, options: KeepaliveOptions, actions: KeepaliveActions) {
    this.#loop = loop;
    this.#options = options;
    this.#actions = actions;
    this.#heardAt = this.#quietSince = loop.now();
    this.#timeout = loop.timeout(this.#quietSince + options.intervalMs, () => this.#check(), { name: "keepalive" });
  }

  heard(): void {
    this.#heardAt = this.#quietSince = this.#loop.now();
    this.#asked = 0;
  }

  deafen(deaf: boolean): void {
    this.#deaf = deaf;
    if (!deaf) this.heard();
  }

  stop(): void {
    this.#timeout.remove();
  }

  /** The timer is not moved with every message: it looks when it comes whether it came too early. */
  #check(): void {
    const now = this.#loop.now();
    if (now >= this.#quietSince + this.#options.intervalMs) {
      if (!this.#deaf && this.#asked >= this.#options.count) return this.#actions.dead(now - this.#heardAt);
      this.#quietSince = now;
      if (this.#deaf) this.#actions.pong();
      else {
        this.#asked++;
        this.#actions.ping();
      }
    }
    this.#timeout.modify(this.#quietSince + this.#options.intervalMs);
  }
}
