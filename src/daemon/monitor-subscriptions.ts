import type { DomainMonitorEvent, MonitorEventSource } from "../driver/driver.ts";
import { EventPattern } from "./event-pattern.ts";
import { internalError } from "./refusal.ts";

interface Subscription {
  readonly pattern: EventPattern;
  /** Of the one domain that it is for; null: all. */
  readonly uuid: string | null;
}

export interface MonitorSubscriptionsOptions {
  /** Absent where the hypervisor has no monitors. */
  readonly source: MonitorEventSource | undefined;
  /** The next callback id; they grow across the daemon. */
  readonly issueCallbackId: () => number;
  readonly deliver: (callbackId: number, event: DomainMonitorEvent) => void;
}

/** What one peer wants to hear of what monitors say: as `Subscriptions` for domains. */
export class MonitorSubscriptions {
  readonly #options: MonitorSubscriptionsOptions;
  readonly #byId = new Map<number, Subscription>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: MonitorSubscriptionsOptions) {
    this.#options = options;
  }

  /** Whether the hypervisor has monitors that say something. */
  get isPossible(): boolean {
    return this.#options.source !== undefined;
  }

  /** Returns the callback id. `name` and `flags` as EventPattern. Throws VirError. */
  add(name: string | null, flags: number, uuid: string | null): number {
    const pattern = new EventPattern(name, flags);
    const callbackId = this.#options.issueCallbackId();
    this.#byId.set(callbackId, { pattern, uuid });
    this.#unsubscribe ??= this.#options.source?.subscribe((event) => this.#onEvent(event));
    return callbackId;
  }

  remove(callbackId: number): void {
    if (!this.#byId.delete(callbackId)) throw internalError(`qemu monitor event callback ${callbackId} not registered`);
    if (this.#byId.size === 0) this.#stop();
  }

  close(): void {
    this.#byId.clear();
    this.#stop();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #onEvent(event: DomainMonitorEvent): void {
    // Those there are now: what is added under delivery starts with the next event.
    const subscriptions = [...this.#byId];
    for (const [callbackId, { pattern, uuid }] of subscriptions) {
      if (uuid !== null && uuid !== event.dom.uuid) continue;
      if (!pattern.matches(event.event)) continue;
      if (this.#byId.has(callbackId)) this.#options.deliver(callbackId, event);
    }
  }
}
