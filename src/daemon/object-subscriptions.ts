import type { ObjectEventSource } from "../driver/driver.ts";
import {
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  type ObjectKind,
  objectEventIdLimit,
  objectEventKey,
  objectEventPlace,
  VirError,
} from "../protocol/index.ts";
import { internalError } from "./refusal.ts";
import { SubscriptionTable } from "./subscription-table.ts";

interface Subscription {
  readonly kind: ObjectKind;
  readonly eventId: number;
  /** Of the one object that it is for; null: all. */
  readonly key: string | null;
}

export interface ObjectSubscriptionsOptions {
  /** Absent where the hypervisor has none of these objects. */
  readonly source: ObjectEventSource | undefined;
  readonly issueCallbackId: () => number;
  readonly deliver: (callbackId: number, event: ObjectEvent) => void;
  readonly mayHear: (event: ObjectEvent) => boolean | Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

/** What one peer wants to hear of networks, pools and other objects. */
export class ObjectSubscriptions {
  readonly #source: ObjectEventSource | undefined;
  readonly #table: SubscriptionTable<Subscription, ObjectEvent>;

  constructor({ source, ...rest }: ObjectSubscriptionsOptions) {
    this.#source = source;
    this.#table = new SubscriptionTable({
      ...rest,
      subscribe: source?.subscribe.bind(source),
      filter: (event) => {
        const place = objectEventPlace(event.name);
        const own = objectEventKey(event);
        return ({ kind, eventId, key }) =>
          kind === place.kind && eventId === place.eventId && (key === null || key === own);
      },
    });
  }

  /** Whether the hypervisor reports what happens to this kind. */
  has(kind: ObjectKind): boolean {
    return this.#source?.kinds.has(kind) === true;
  }

  /** Returns the callback id. The object need not be there. */
  add(kind: ObjectKind, eventId: number, key: string | null): number {
    if (eventId < 0 || eventId >= objectEventIdLimit(kind)) {
      throw internalError(`unsupported ${nouns[kind]} event ID ${eventId}`);
    }
    for (const [, other] of this.#table.entries()) {
      if (other.kind !== kind || other.eventId !== eventId || other.key !== key) continue;
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, "event callback already tracked");
    }
    return this.#table.add({ kind, eventId, key });
  }

  remove(kind: ObjectKind, callbackId: number): void {
    if (this.#table.get(callbackId)?.kind === kind && this.#table.remove(callbackId)) return;
    throw internalError(`${nouns[kind]} event callback ${callbackId} not registered`);
  }

  close(): void {
    this.#table.close();
  }
}

const nouns: Readonly<Record<ObjectKind, string>> = {
  network: "network",
  storagePool: "storage pool",
  nodeDevice: "node device",
  secret: "secret",
};
