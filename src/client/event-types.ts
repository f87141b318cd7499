import type {
  Cursor,
  DomainEventName,
  Lifecycle,
  DomainEvent as WireDomainEvent,
  ObjectEvent as WireObjectEvent,
} from "../protocol/index.ts";
import type { Output } from "./method-types.ts";
import type { Domain, DomainStatus, ObjectOf } from "./objects.ts";

/** One kind of events, or several. */
export type EventNames<N extends string> = N | readonly N[];

export interface EventOptions {
  /** Ends the subscription; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** How many events may wait for the reader; one more ends the subscription with OverflowError. Default 100,000. */
  readonly limit?: number;
  /**
   * From this place on; needs our daemon (VirError noSupport elsewhere). For events of domains alone. What is not kept any
   * more is told as a gap.
   */
  readonly since?: Cursor;
  /** When the connection is lost: it is opened again, and the events go on behind a `Gap`, or without one if none is missing. */
  readonly reconnect?: boolean;
}
/** The options with which there may be gaps. */
export type Gapping = { readonly reconnect: true } | { readonly since: Cursor };

/** Where our daemon's journal has an event: a later `since`, and when it was, in ms since 1970. Others do not say. */
interface Placed {
  readonly position?: Cursor;
  readonly timeMs?: number;
}

type Detail<E extends keyof typeof Lifecycle> = keyof (typeof Lifecycle)[E]["detail"] & string;
type LifecycleStep = {
  [E in keyof typeof Lifecycle]: { readonly event: E; readonly detail: Detail<E> | `unknown (${number})` };
}[keyof typeof Lifecycle];

/** A domain has begun to be something else: "started" with "booted". */
export type LifecycleEvent = { readonly name: "lifecycle"; readonly domain: Domain } & LifecycleStep & Placed;

type Content<E, About extends string> = {
  readonly [F in Exclude<keyof E, "name" | About>]: Output<F, E[F]>;
};

/** An event of a domain: `name` is its kind, `domain` whose it is, and the rest what libvirt says of it. */
export type DomainEvent<N extends DomainEventName = DomainEventName> = N extends "lifecycle"
  ? LifecycleEvent
  : { readonly name: N; readonly domain: Domain } & Content<Extract<WireDomainEvent, { readonly name: N }>, "dom"> &
      Placed;

/** A domain whose state is another than before the gap. */
export interface Change {
  readonly domain: Domain;
  /** undefined: it was not there. */
  readonly before: DomainStatus["state"] | undefined;
  /** undefined: it is not there any more. */
  readonly after: DomainStatus["state"] | undefined;
}

/** Events are missing here. */
export interface Gap {
  readonly name: "gap";
  /** Why, when the connection was lost. */
  readonly cause: unknown;
  /** Which are missing, where the daemon's journal says it: the first and the last. */
  readonly missing: { readonly from: bigint; readonly to: bigint } | undefined;
  /** What is different now; undefined when the journal has said what is missing: then look anew. */
  readonly changes: readonly Change[] | undefined;
  readonly position?: Cursor;
}

export type EventsOf<N extends DomainEventName, R extends boolean> = R extends true
  ? DomainEvent<N> | Gap
  : DomainEvent<N>;

/** The events of objects other than domains, in libvirt's words without the object's. */
interface ObjectRows {
  network: { lifecycle: "networkEventLifecycle" };
  storagePool: { lifecycle: "storagePoolEventLifecycle"; refresh: "storagePoolEventRefresh" };
  nodeDevice: { lifecycle: "nodeDeviceEventLifecycle"; update: "nodeDeviceEventUpdate" };
  secret: { lifecycle: "secretEventLifecycle"; valueChanged: "secretEventValueChanged" };
}
export type EventfulKind = keyof ObjectRows;
export type ObjectEventNames<K extends EventfulKind> = keyof ObjectRows[K] & string;

/** `event` in words: "started"; `detail` is libvirt's number. */
export type ObjectEventsOf<K extends EventfulKind, N extends ObjectEventNames<K>> = N extends unknown
  ? { readonly name: N; readonly object: ObjectOf<K> } & (N extends "lifecycle"
      ? { readonly event: string; readonly detail: number }
      : Content<Extract<WireObjectEvent, { readonly name: ObjectRows[K][N] }>, "net" | "pool" | "dev" | "secret">)
  : never;
