import type { DomainMonitorEvent, MonitorEventSource } from "../driver/driver.ts";
import { EventPattern } from "./event-pattern.ts";
import { internalError } from "./refusal.ts";
import { SubscriptionTable } from "./subscription-table.ts";

interface Subscription {
  readonly pattern: EventPattern;
  /** Of the one domain that it is for; null: all. */
  readonly uuid: string | null;
}

export interface MonitorSubscriptionsOptions {
  /** Absent where the hypervisor has no monitors. */
  readonly source: MonitorEventSource | undefined;
  readonly issueCallbackId: () => number;
  readonly deliver: (callbackId: number, event: DomainMonitorEvent) => void;
  readonly mayHear: (event: DomainMonitorEvent) => boolean | Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

/** What one peer wants to hear of what monitors say. */
export class MonitorSubscriptions {
  readonly #table: SubscriptionTable<Subscription, DomainMonitorEvent>;
  /** Whether the hypervisor has monitors that say something. */
  readonly isPossible: boolean;

  constructor({ source, ...rest }: MonitorSubscriptionsOptions) {
    this.isPossible = source !== undefined;
    this.#table = new SubscriptionTable({
      ...rest,
      subscribe: source?.subscribe.bind(source),
      filter:
        ({ dom, event }) =>
        ({ pattern, uuid }) =>
          (uuid === null || uuid === dom.uuid) && pattern.matches(event),
    });
  }

  /** Returns the callback id. `name` and `flags` as EventPattern. Throws VirError. */
  add(name: string | null, flags: number, uuid: string | null): number {
    return this.#table.add({ pattern: new EventPattern(name, flags), uuid });
  }

  remove(callbackId: number): void {
    if (this.#table.remove(callbackId)) return;
    throw internalError(`qemu monitor event callback ${callbackId} not registered`);
  }

  close(): void {
    this.#table.close();
  }
}
