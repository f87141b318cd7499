import { type Loop, StateError } from "../../event/index.ts";
import type { LibraryEvent } from "../library.ts";
import type { LogLine } from "../log-line.ts";
import { type CallOptions, ContextClient, type ProcessEndedError } from "./context-client.ts";
import type { Launch } from "./launch.ts";
import type { CallName, Calls } from "./wire.ts";

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

const restartMs = 1_000;

/**
 * The process that lists, looks, pauses and watches, and is started again when it ends.
 *
 *     open -> closed
 *
 * After a restart every subscription is set up again, and what happened meanwhile is told: libxl tells a new watch of a
 * shutdown that has been, and a domain that is gone, or whose number is another's by now, has died.
 */
export class Observer {
  readonly #loop: Loop;
  readonly #options: ObserverOptions;
  readonly #subscriptions = new Map<number, Subscription>();
  #client: Promise<ContextClient>;
  #nextId = 1;
  #closed = false;

  constructor(loop: Loop, options: ObserverOptions) {
    this.#loop = loop;
    this.#options = options;
    this.#client = this.#start();
  }

  async call<C extends CallName>(
    call: C,
    args: Calls[C]["args"],
    options: CallOptions = {},
  ): Promise<Calls[C]["result"]> {
    if (this.#closed) throw new StateError("the observer was closed");
    const client = await this.#client;
    return client.call(call, args, options);
  }

  /** Rejects with LibxlError when there is no such domain. */
  async watch(domid: number, listener: (event: LibraryEvent) => unknown): Promise<Subscription> {
    const client = await this.#client;
    const info = await client.call("domain", [domid]);
    if (info === null) throw new StateError(`there is no domain ${domid}`);
    const id = this.#nextId++;
    const subscription = new Subscription(domid, info.uuid, listener, () => this.#unwatch(id));
    this.#subscriptions.set(id, subscription);
    await this.#setUp(client, id, subscription);
    return subscription;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#subscriptions.clear();
    await this.#client.then(
      (client) => client.close(),
      () => {},
    );
  }

  #unwatch(id: number): void {
    this.#subscriptions.delete(id);
    // If the process is gone by now, so is its watch.
    this.call("unwatch", [id]).catch(() => {});
  }

  async #start(): Promise<ContextClient> {
    const process = await this.#options.launch("observer");
    const client = new ContextClient(this.#loop, process.transport, {
      onEvent: (watch, event) => this.#subscriptions.get(watch)?.tell(event),
      onLog: this.#options.onLog,
      onGone: (error) => this.#restart(client, error),
      onStuck: () => process.kill(),
    });
    await client.ready.promise;
    return client;
  }

  /** One that never became ready is tried again later, so that what can not start does not start without end. */
  #restart(client: ContextClient, error: ProcessEndedError): void {
    if (this.#closed) return;
    this.#options.onRestart(error);
    const wasReady = client.ready.state === "fulfilled";
    const next = new Promise<void>((resolve) => {
      const at = wasReady ? "now" : this.#loop.now() + restartMs;
      this.#loop.timeout(at, () => resolve(), { name: "the restart of the observer" });
    }).then(() => this.#start());
    this.#client = next;
    next.then(
      (again) => this.#resume(again),
      (reason: unknown) => this.#options.onRestart(reason as Error),
    );
  }

  async #resume(client: ContextClient): Promise<void> {
    for (const [id, subscription] of [...this.#subscriptions]) {
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
    const refused = await client.call("watch", [id, domid]).then(
      () => undefined,
      (error: unknown) => error,
    );
    const info = await client.call("domain", [domid]);
    if (info?.uuid !== uuid) subscription.tell({ type: "death", domid });
    else if (refused !== undefined) throw refused as Error;
  }
}
