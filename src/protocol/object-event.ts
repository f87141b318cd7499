import type { EventName, MessageOf } from "./procedure.ts";
import type { objectEventProcedures } from "./remote/index.ts";

type ObjectEventTable = typeof objectEventProcedures;

/** Something other than a domain that clients can hear of. */
export type ObjectKind = "network" | "storagePool" | "nodeDevice" | "secret";

/** The events of each kind that libvirt 9.0 lets its clients subscribe to, in the order of its ids. */
const rows = {
  network: ["networkEventLifecycle"],
  storagePool: ["storagePoolEventLifecycle", "storagePoolEventRefresh"],
  nodeDevice: ["nodeDeviceEventLifecycle", "nodeDeviceEventUpdate"],
  secret: ["secretEventLifecycle", "secretEventValueChanged"],
} as const satisfies Readonly<Record<ObjectKind, readonly EventName<ObjectEventTable>[]>>;

export type ObjectEventName = (typeof rows)[ObjectKind][number];

/** Something that has happened to an object: the name of its row, and the fields of that row's message. */
export type ObjectEvent = {
  [N in ObjectEventName]: { readonly name: N } & Omit<MessageOf<ObjectEventTable[N]>, "callbackId">;
}[ObjectEventName];

/** How many events a kind has: ids go from 0 to one less. */
export function objectEventIdLimit(kind: ObjectKind): number {
  return rows[kind].length;
}

const places: ReadonlyMap<string, { readonly kind: ObjectKind; readonly eventId: number }> = new Map(
  (Object.keys(rows) as ObjectKind[]).flatMap((kind) => rows[kind].map((name, eventId) => [name, { kind, eventId }])),
);

/** The kind and the id (VIR_NETWORK_EVENT_ID_* and its likes) of an event. */
export function objectEventPlace(name: ObjectEventName): { readonly kind: ObjectKind; readonly eventId: number } {
  return places.get(name) as { kind: ObjectKind; eventId: number };
}

/** What tells objects of a kind apart: the uuid, or the name of a device. */
export function objectKey(object: { readonly uuid: string } | { readonly name: string }): string {
  return "uuid" in object ? object.uuid : object.name;
}

/** The key of the object that an event is about. */
export function objectEventKey(event: ObjectEvent): string {
  if ("net" in event) return objectKey(event.net);
  if ("pool" in event) return objectKey(event.pool);
  if ("dev" in event) return objectKey(event.dev);
  return objectKey(event.secret);
}

/** virNetworkEventLifecycleType and its likes for pools, devices of the host and secrets. */
export const ObjectLifecycle = {
  network: { defined: 0, undefined: 1, started: 2, stopped: 3 },
  storagePool: { defined: 0, undefined: 1, started: 2, stopped: 3, created: 4, deleted: 5 },
  nodeDevice: { created: 0, deleted: 1, defined: 2, undefined: 3 },
  secret: { defined: 0, undefined: 1 },
} as const;
