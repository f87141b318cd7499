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

interface Subscription {
  readonly kind: ObjectKind;
  readonly eventId: number;
  /** Of the one object that it is for; null: all. */
  readonly key: string | null;
}

export interface ObjectSubscriptionsOptions {
  /** Absent where the hypervisor has none of these objects. */
  readonly source: ObjectEventSource | undefined;
  /** The next callback id; they grow across the daemon. */
  readonly issueCallbackId: () => number;
  readonly deliver: (callbackId: number, event: ObjectEvent) => void;
}

/** What one peer wants to hear of networks, pools and other objects: as `Subscriptions` for domains. */
export class ObjectSubscriptions {
  readonly #options: ObjectSubscriptionsOptions;
  readonly #byId = new Map<number, Subscription>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: ObjectSubscriptionsOptions) {
    this.#options = options;
  }

  /** Whether the hypervisor reports what happens to this kind. */
  has(kind: ObjectKind): boolean {
    return this.#options.source?.kinds.has(kind) === true;
  }

  /** Returns the callback id. The object need not be there. */
  add(kind: ObjectKind, eventId: number, key: string | null): number {
    const { source, issueCallbackId } = this.#options;
    if (eventId < 0 || eventId >= objectEventIdLimit(kind)) {
      throw internalError(`unsupported ${nouns[kind]} event ID ${eventId}`);
    }
    for (const other of this.#byId.values()) {
      if (other.kind !== kind || other.eventId !== eventId || other.key !== key) continue;
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, "event callback already tracked");
    }
    const callbackId = issueCallbackId();
    this.#byId.set(callbackId, { kind, eventId, key });
    this.#unsubscribe ??= source?.subscribe((event) => this.#onEvent(event));
    return callbackId;
  }

  remove(kind: ObjectKind, callbackId: number): void {
    if (this.#byId.get(callbackId)?.kind !== kind) {
      throw internalError(`${nouns[kind]} event callback ${callbackId} not registered`);
    }
    this.#byId.delete(callbackId);
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

  #onEvent(event: ObjectEvent): void {
    const place = objectEventPlace(event.name);
    const key = objectEventKey(event);
    // Those there are now: what is added under delivery starts with the next event.
    const subscriptions = [...this.#byId];
    for (const [callbackId, subscription] of subscriptions) {
      if (subscription.kind !== place.kind || subscription.eventId !== place.eventId) continue;
      if (subscription.key !== null && subscription.key !== key) continue;
      if (this.#byId.has(callbackId)) this.#options.deliver(callbackId, event);
    }
  }
}

const nouns: Readonly<Record<ObjectKind, string>> = {
  network: "network",
  storagePool: "storage pool",
  nodeDevice: "node device",
  secret: "secret",
};
