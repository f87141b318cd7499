import { Deferred, type Loop, StateError } from "../../event/index.ts";
import type { LibraryEvent } from "../library.ts";
import type { LogLine } from "../log-line.ts";
import { type CallOptions, ContextClient, ProcessEndedError } from "./context-client.ts";
import type { Launch } from "./launch.ts";
import { type CallName, type Calls, looks } from "./wire.ts";

export interface ObserverOptions {
  readonly launch: Launch;
  readonly onLog: (line: LogLine) => void;
  /** The process has ended without being asked to, and another is started; or that could not be. */
  readonly onRestart: (error: Error) => void;
}

/** One domain's events: "shutdown" at most once, then "death" once, whatever becomes of the process that watches. */
export class Subscription {
  readonly domid: number;
  readonly uuid: string;
  readonly listener: (event: LibraryEvent) => unknown;
  readonly #onRemoved: () => void;
  readonly #told = new Set<LibraryEvent["type"]>();
  #state: "watching" | "removed" = "watching";

  constructor(domid: number, uuid: string, listener: (event: LibraryEvent) => unknown, onRemoved: () => void) {
    this.domid = domid;
    this.uuid = uuid;
    this.listener = listener;
    this.#onRemoved = onRemoved;
  }

  tell(event: LibraryEvent): void {
    if (this.#state === "removed" || this.#told.has(event.type) || this.#told.has("death")) return;
    this.#told.add(event.type);
    this.listener(event);
  }

  /** Afterwards the listener is not called again. Idempotent. */
  remove(): void {
    if (this.#state === "removed") return;
    this.#state = "removed";
    this.#onRemoved();
  }
}

/** What can not start is tried again ever more rarely. */
const firstDelayMs = 1_000;
const lastDelayMs = 32_000;
/** So many processes may end with the same question. */
const mostTries = 3;

/**
 * The process that lists, looks, pauses and watches, and is started again when it ends.
 *
 *     open -> closed
 *
 * After a restart every subscription is set up again, and what happened meanwhile is told: that a domain has shut down, or, if it
 * is gone or its number is another's by now, that it has died.
 */
export class Observer {
  readonly #loop: Loop;
  readonly #options: ObserverOptions;
  readonly #subscriptions = new Map<number, Subscription>();
  #client: Promise<ContextClient>;
  #delayMs = 0;
  /** While a start is put off. */
  #pause: Deferred | undefined;
  #nextId = 1;
  #closed = false;

  constructor(loop: Loop, options: ObserverOptions) {
    this.#loop = loop;
    this.#options = options;
    this.#client = this.#begin();
  }

  /** What only looks is asked of the next process when one ends with it; all else fails with ProcessEndedError then. */
  async call<C extends CallName>(
    call: C,
    args: Calls[C]["args"],
    options: CallOptions = {},
  ): Promise<Calls[C]["result"]> {
    for (let tries = 1; ; tries++) {
      const client = await this.#ready();
      try {
        return await client.call(call, args, options);
      } catch (error) {
        if (!(error instanceof ProcessEndedError) || !looks.has(call) || tries === mostTries) throw error;
      }
    }
  }

  /** StateError when there is no such domain. */
  async watch(domid: number, listener: (event: LibraryEvent) => unknown): Promise<Subscription> {
    const info = await this.call("domain", [domid]);
    if (info === null) throw new StateError(`there is no domain ${domid}`);
    const client = await this.#ready();
    const id = this.#nextId++;
    const subscription = new Subscription(domid, info.uuid, listener, () => this.#unwatch(id));
    this.#subscriptions.set(id, subscription);
    try {
      await this.#setUp(client, id, subscription);
    } catch (error) {
      // The next process sets it up, and tells what has happened.
      if (client.isGone) return subscription;
      this.#subscriptions.delete(id);
      throw error;
    }
    return subscription;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#subscriptions.clear();
    this.#pause?.reject(new StateError("the observer was closed"));
    await this.#client.then(
      (client) => client.close(),
      () => {},
    );
  }

  async #ready(): Promise<ContextClient> {
    if (this.#closed) throw new StateError("the observer was closed");
    return this.#client;
  }

  #unwatch(id: number): void {
    this.#subscriptions.delete(id);
    // If the process is gone by now, so is its watch.
    this.call("unwatch", [id]).catch(() => {});
  }

  #begin(): Promise<ContextClient> {
    const client = this.#wait(this.#delayMs).then(() => this.#start());
    this.#client = client;
    client.then(
      (started) => this.#resume(started),
      (error: unknown) => {
        this.#delayMs = Math.min(Math.max(2 * this.#delayMs, firstDelayMs), lastDelayMs);
        this.#again(error as Error);
      },
    );
    return client;
  }

  async #wait(ms: number): Promise<void> {
    if (ms === 0) return;
    const pause = new Deferred();
    this.#pause = pause;
    const timeout = this.#loop.timeout(this.#loop.now() + ms, () => pause.resolve(), { name: "an observer's start" });
    pause.whenSettled(() => timeout.remove());
    await pause.promise;
  }

  async #start(): Promise<ContextClient> {
    const process = await this.#options.launch("observer");
    const client = new ContextClient(this.#loop, process.transport, {
      onEvent: (watch, event) => this.#subscriptions.get(watch)?.tell(event),
      onLog: this.#options.onLog,
      // One that has not been ready fails its start.
      onGone: (error) => client.ready.state === "fulfilled" && this.#again(error),
      onStuck: () => process.kill(),
    });
    await client.ready.promise;
    this.#delayMs = 0;
    return client;
  }

  #again(error: Error): void {
    if (this.#closed) return;
    this.#options.onRestart(error);
    void this.#begin();
  }

  async #resume(client: ContextClient): Promise<void> {
    // Those that come meanwhile set themselves up.
    const now = Array.from(this.#subscriptions);
    for (const [id, subscription] of now) {
      try {
        await this.#setUp(client, id, subscription);
      } catch (error) {
        // Gone again: whoever comes next sets up what is left.
        if (client.isGone) return;
        this.#options.onRestart(error as Error);
      }
    }
  }

  /** The domain is looked at after its watch is there: what happens in between is told by the one or seen by the other. */
  async #setUp(client: ContextClient, id: number, subscription: Subscription): Promise<void> {
    const { domid, uuid } = subscription;
    const watched = client.call("watch", [id, domid]).then(
      () => undefined,
      (error: unknown) => error,
    );
    // Answered in the order in which they are asked.
    const [refused, info] = await Promise.all([watched, client.call("domain", [domid])]);
    if (info?.uuid !== uuid) subscription.tell({ type: "death", domid });
    else if (refused !== undefined) throw refused as Error;
    // libxl looks for what has been at a context's first watch, and at the others only when some domain goes.
    else if (info.shutdown) subscription.tell({ type: "shutdown", domid, reason: info.shutdownReason });
  }
}
