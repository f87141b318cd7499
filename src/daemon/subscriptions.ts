import type { Hypervisor } from "../driver/driver.ts";
import {
  type Domain,
  type DomainEvent,
  domainEventId,
  domainEventIdLimit,
  ErrorCode,
  ErrorDomain,
  legacyEventIdLimit,
  VirError,
} from "../protocol/index.ts";
import { internalError } from "./refusal.ts";

/** One peer's wish to hear one kind of event. */
export interface Subscription {
  readonly callbackId: number;
  /** virDomainEventID. */
  readonly eventId: number;
  /** Of the one domain that it is for; null: all. */
  readonly uuid: string | null;
  /** Registered by the first or second generation of calls, and served with their messages. */
  readonly legacy: boolean;
}

export interface SubscriptionsOptions {
  readonly hypervisor: Hypervisor;
  /** The next callback id; they grow across the daemon. */
  readonly issueCallbackId: () => number;
  readonly deliver: (subscription: Subscription, event: DomainEvent) => void;
}

/**
 * What one peer has subscribed to. Events come from the hypervisor while there is at least one subscription.
 *
 * After `remove` has returned that subscription gets nothing more, not even of an event under delivery; `close` does
 * the same for all. A new subscription starts with the next event that the peer is told.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #byId = new Map<number, Subscription>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Returns the callback id. The same event for the same domain a second time is refused, as libvirt does. */
  add(eventId: number, dom: Domain | null, legacy: boolean): number {
    checkEventId(eventId, legacy);
    const uuid = dom?.uuid ?? null;
    for (const other of this.#byId.values()) {
      if (other.eventId !== eventId || other.uuid !== uuid) continue;
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, "event callback already tracked");
    }
    const callbackId = this.#options.issueCallbackId();
    this.#byId.set(callbackId, { callbackId, eventId, uuid, legacy });
    this.#unsubscribe ??= this.#options.hypervisor.subscribe(({ event }) => this.#onEvent(event));
    return callbackId;
  }

  remove(callbackId: number): void {
    if (!this.#byId.delete(callbackId)) throw internalError(`domain event callback ${callbackId} not registered`);
    if (this.#byId.size === 0) this.#stop();
  }

  /** The legacy calls have no id: they mean the first subscription to this event. */
  removeByEvent(eventId: number): void {
    checkEventId(eventId, true);
    const found = [...this.#byId.values()].find((subscription) => subscription.eventId === eventId);
    if (found === undefined) throw internalError(`domain event ${eventId} not registered`);
    this.remove(found.callbackId);
  }

  close(): void {
    this.#byId.clear();
    this.#stop();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #onEvent(event: DomainEvent): void {
    // Those there are now: what is added under delivery starts with the next event.
    const subscriptions = [...this.#byId.values()];
    const id = domainEventId(event.name);
    for (const subscription of subscriptions) {
      const { callbackId, eventId, uuid } = subscription;
      if (eventId !== id || (uuid !== null && uuid !== event.dom.uuid)) continue;
      if (this.#byId.has(callbackId)) this.#options.deliver(subscription, event);
    }
  }
}

function checkEventId(eventId: number, legacy: boolean): void {
  if (eventId >= 0 && eventId < (legacy ? legacyEventIdLimit : domainEventIdLimit)) return;
  throw internalError(`unsupported event ID ${eventId}`);
}
