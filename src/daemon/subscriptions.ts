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
import { SubscriptionTable } from "./subscription-table.ts";

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

type Wish = Omit<Subscription, "callbackId">;

export interface SubscriptionsOptions {
  readonly hypervisor: Hypervisor;
  readonly issueCallbackId: () => number;
  readonly deliver: (subscription: Subscription, event: DomainEvent) => void;
  readonly mayHear: (event: DomainEvent) => boolean | Promise<boolean>;
  /** Hears what `deliver` throws where nobody else does. */
  readonly onError: (error: unknown) => void;
}

/** What one peer wants to hear of domains. */
export class Subscriptions {
  readonly #table: SubscriptionTable<Wish, DomainEvent>;

  constructor({ hypervisor, issueCallbackId, deliver, mayHear, onError }: SubscriptionsOptions) {
    this.#table = new SubscriptionTable({
      issueCallbackId,
      mayHear,
      onError,
      subscribe: (listener) => hypervisor.subscribe(({ event }) => listener(event)),
      filter: (event) => {
        const id = domainEventId(event.name);
        return ({ eventId, uuid }) => eventId === id && (uuid === null || uuid === event.dom.uuid);
      },
      deliver: (callbackId, event, wish) => deliver({ callbackId, ...wish }, event),
    });
  }

  get size(): number {
    return this.#table.size;
  }

  /** Returns the callback id. The same event for the same domain a second time is refused, as libvirt does. */
  add(eventId: number, dom: Domain | null, legacy: boolean): number {
    checkEventId(eventId, legacy);
    const uuid = dom?.uuid ?? null;
    for (const [, other] of this.#table.entries()) {
      if (other.eventId !== eventId || other.uuid !== uuid) continue;
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, "event callback already tracked");
    }
    return this.#table.add({ eventId, uuid, legacy });
  }

  remove(callbackId: number): void {
    if (!this.#table.remove(callbackId)) throw internalError(`domain event callback ${callbackId} not registered`);
  }

  /** The legacy calls have no id: they mean the first subscription to this event. */
  removeByEvent(eventId: number): void {
    checkEventId(eventId, true);
    for (const [callbackId, wish] of this.#table.entries())
      if (wish.eventId === eventId) return this.remove(callbackId);
    throw internalError(`domain event ${eventId} not registered`);
  }

  close(): void {
    this.#table.close();
  }
}

function checkEventId(eventId: number, legacy: boolean): void {
  if (eventId >= 0 && eventId < (legacy ? legacyEventIdLimit : domainEventIdLimit)) return;
  throw internalError(`unsupported event ID ${eventId}`);
}
