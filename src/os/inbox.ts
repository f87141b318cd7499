import { MessageChannel, type MessagePort, receiveMessageOnPort, type Transferable } from "node:worker_threads";
import { StateError } from "../event/errors.ts";
import { type Readiness, Ready } from "../event/host.ts";
import type { Loop } from "../event/loop.ts";
import { isThenable } from "../event/thenable.ts";
import type { Watch } from "../event/watch.ts";
import { Doorbell, type DoorbellAddress } from "./doorbell.ts";

/** Where to post to. For one outbox: it goes to the Worker with `port` in the transfer list. */
export interface InboxAddress {
  readonly port: MessagePort;
  readonly doorbell: DoorbellAddress;
}

/** Values handed over in one turn, so that a busy sender does not keep the descriptors waiting. */
const turnLimit = 256;

/** Values arrive one by one; an async `onValue` is awaited before the next. */
export function openInbox<T>(loop: Loop, onValue: (value: T) => unknown): Inbox<T> {
  return new Inbox<T>(loop, onValue);
}

/** In the other thread. */
export function connectInbox<T>(address: InboxAddress): Outbox<T> {
  return new Outbox<T>(address);
}

/**
 * The door through which other threads reach a loop: their values, in the order of posting for each sender.
 *
 *     open -> closed
 *
 * newAddress: open only. close: open -> closed; idempotent; nothing is delivered any more, and `post` returns false. A
 * loop that closes takes its inboxes along.
 *
 * The values are pulled from the ports, never awaited as "message" events, which still arrive after `port.close()`.
 */
export class Inbox<T> {
  readonly #doorbell = new Doorbell();
  readonly #onValue: (value: T) => unknown;
  readonly #watch: Watch;
  /** The first one is asked first; who has given a value goes to the end. */
  #ports: MessagePort[] = [];

  constructor(loop: Loop, onValue: (value: T) => unknown) {
    this.#onValue = onValue;
    const onRing = (_: Readiness, watch: Watch): unknown => this.#drain(watch);
    const options = { name: "inbox", release: () => this.#finish() };
    try {
      this.#watch = loop.watch(this.#doorbell.fd, Ready.readable, onRing, options);
    } catch (error) {
      this.#doorbell.close();
      throw error;
    }
  }

  get state(): "open" | "closed" {
    return this.#watch.state === "active" ? "open" : "closed";
  }

  /** Resolves when nothing is delivered any more and the last `onValue` has ended. */
  get closed(): Promise<void> {
    return this.#watch.closed;
  }

  /** The address for one more sender. */
  newAddress(): InboxAddress {
    if (this.state === "closed") throw new StateError("the inbox is closed: nothing posted to it would arrive");
    const { port1, port2 } = new MessageChannel();
    this.#ports.push(port1);
    port1.once("close", () => {
      this.#ports = this.#ports.filter((port) => port !== port1);
    });
    // Listening for "close" must not keep the process alive; the loop does, as long as the inbox is open.
    port1.unref();
    return { port: port2, doorbell: this.#doorbell.address };
  }

  close(): void {
    this.#watch.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  /**
   * Silences first, then drains. The other way round, a value posted after the last look and before the silencing would
   * lie there with nobody to tell: the lost wakeup. This way it rings once too often at worst.
   */
  #drain(watch: Watch): unknown {
    this.#doorbell.silence();
    for (let count = 0; count < turnLimit; count++) {
      const value = this.#take();
      if (value === undefined) return undefined;
      const result = this.#hand(value.message);
      if (watch.state !== "active" || result !== undefined) return result;
    }
    this.#doorbell.ring();
    return undefined;
  }

  #take(): { message: T } | undefined {
    for (const [index, port] of this.#ports.entries()) {
      const received = receiveMessageOnPort(port) as { message: T } | undefined;
      if (received === undefined) continue;
      this.#ports.push(...this.#ports.splice(index, 1));
      return received;
    }
    return undefined;
  }

  /** When it throws or takes time, the rest must not be forgotten: the bell leads back here. */
  #hand(message: T): unknown {
    let result: unknown;
    let isDone = false;
    try {
      result = this.#onValue(message);
      isDone = !isThenable(result);
    } finally {
      if (!isDone) this.#doorbell.ring();
    }
    return isDone ? undefined : result;
  }

  #finish(): void {
    this.#doorbell.close();
    for (const port of this.#ports) port.close();
    this.#ports = [];
  }
}

/**
 * A sender's end of an inbox.
 *
 * post: false, and the value will not arrive, when the inbox or the outbox is closed; true says that it was handed over
 * in time, not that it was received. Throws DataCloneError for what cannot be cloned.
 */
export class Outbox<T> {
  readonly #port: MessagePort;
  readonly #doorbell: Doorbell;
  #isClosed = false;

  constructor(address: InboxAddress) {
    this.#port = address.port;
    this.#doorbell = new Doorbell(address.doorbell);
    // The port must not keep the Worker alive.
    this.#port.unref();
  }

  post(value: T, transfer: readonly Transferable[] = []): boolean {
    if (this.#isClosed) return false;
    return this.#doorbell.ring(() => this.#port.postMessage(value, transfer));
  }

  /** What was posted before still arrives. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#port.close();
  }
}
