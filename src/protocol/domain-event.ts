import type { EventName, MessageOf } from "./procedure.ts";
import { eventProcedures } from "./remote/index.ts";

type EventTable = typeof eventProcedures;

interface Kind {
  readonly row: EventName<EventTable>;
  readonly legacy?: EventName<EventTable>;
}

/**
 * The kinds of domain events in the order of libvirt's ids, each with its rows: `row` goes to subscriptions with an id,
 * `legacy` to those without; there is none from id 16 on.
 */
const kinds = {
  lifecycle: { row: "domainEventCallbackLifecycle", legacy: "domainEventLifecycle" },
  reboot: { row: "domainEventCallbackReboot", legacy: "domainEventReboot" },
  rtcChange: { row: "domainEventCallbackRtcChange", legacy: "domainEventRtcChange" },
  watchdog: { row: "domainEventCallbackWatchdog", legacy: "domainEventWatchdog" },
  ioError: { row: "domainEventCallbackIoError", legacy: "domainEventIoError" },
  graphics: { row: "domainEventCallbackGraphics", legacy: "domainEventGraphics" },
  ioErrorReason: { row: "domainEventCallbackIoErrorReason", legacy: "domainEventIoErrorReason" },
  controlError: { row: "domainEventCallbackControlError", legacy: "domainEventControlError" },
  blockJob: { row: "domainEventCallbackBlockJob", legacy: "domainEventBlockJob" },
  diskChange: { row: "domainEventCallbackDiskChange", legacy: "domainEventDiskChange" },
  trayChange: { row: "domainEventCallbackTrayChange", legacy: "domainEventTrayChange" },
  pmwakeup: { row: "domainEventCallbackPmwakeup", legacy: "domainEventPmwakeup" },
  pmsuspend: { row: "domainEventCallbackPmsuspend", legacy: "domainEventPmsuspend" },
  balloonChange: { row: "domainEventCallbackBalloonChange", legacy: "domainEventBalloonChange" },
  pmsuspendDisk: { row: "domainEventCallbackPmsuspendDisk", legacy: "domainEventPmsuspendDisk" },
  deviceRemoved: { row: "domainEventCallbackDeviceRemoved", legacy: "domainEventDeviceRemoved" },
  blockJob2: { row: "domainEventBlockJob2" },
  tunable: { row: "domainEventCallbackTunable" },
  agentLifecycle: { row: "domainEventCallbackAgentLifecycle" },
  deviceAdded: { row: "domainEventCallbackDeviceAdded" },
  migrationIteration: { row: "domainEventCallbackMigrationIteration" },
  jobCompleted: { row: "domainEventCallbackJobCompleted" },
  deviceRemovalFailed: { row: "domainEventCallbackDeviceRemovalFailed" },
  metadataChange: { row: "domainEventCallbackMetadataChange" },
  blockThreshold: { row: "domainEventBlockThreshold" },
  memoryFailure: { row: "domainEventMemoryFailure" },
  memoryDeviceSizeChange: { row: "domainEventMemoryDeviceSizeChange" },
  nicMacChange: { row: "domainEventNicMacChange" },
} as const satisfies Readonly<Record<string, Kind>>;

type Kinds = typeof kinds;
type Content<M> = M extends { readonly msg: infer Inner } ? Inner : Omit<M, "callbackId">;

/** The name of a kind of domain events: "lifecycle". */
export type DomainEventName = keyof Kinds;

/** Something that has happened to a domain: the kind's name, and the fields of its message, `dom` among them. */
export type DomainEvent = {
  [N in DomainEventName]: { readonly name: N } & Content<MessageOf<EventTable[Kinds[N]["row"]]>>;
}[DomainEventName];

/** The state of a domain has changed: numbers of `Lifecycle`. */
export type LifecycleEvent = Extract<DomainEvent, { readonly name: "lifecycle" }>;

/** One more than the highest event id that libvirt 9.0 lets its clients subscribe to. */
export const domainEventIdLimit = 27;
/** The calls of the first two generations know the events below this one. */
export const legacyEventIdLimit = 16;

const ids: ReadonlyMap<string, number> = new Map(Object.keys(kinds).map((name, id) => [name, id]));

/** virDomainEventID. */
export function domainEventId(name: DomainEventName): number {
  return ids.get(name) as number;
}

/** Whether there is an event with this id; there are more than libvirt 9.0 has. */
export function isDomainEventId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < ids.size;
}

export function isDomainEventName(name: string): name is DomainEventName {
  return ids.has(name);
}

/** All kinds, in the order of their ids. */
export const domainEventNames: readonly DomainEventName[] = Object.keys(kinds) as DomainEventName[];

const kindOfRow: ReadonlyMap<string, DomainEventName> = new Map(
  domainEventNames.map((name) => [kinds[name].row, name]),
);

/** The kind of events that a row tells subscriptions with an id of; undefined when it is another row. */
export function domainEventOfRow(row: string): DomainEventName | undefined {
  return kindOfRow.get(row);
}

/** A message as `sendEvent` takes it. */
export interface EventMessage {
  readonly row: EventName<EventTable>;
  readonly message: never;
}

/** What a subscription with an id is sent. */
export function eventMessage({ name, ...content }: DomainEvent, callbackId: number): EventMessage {
  const { row } = kinds[name];
  const isWrapped = "msg" in eventProcedures[row].message.fields;
  // `reason` stands in some rows, and is always 0.
  const message = isWrapped ? { callbackId, reason: 0, msg: content } : { callbackId, ...content };
  return { row, message: message as never };
}

/** What a subscription without an id is sent; undefined for events that are younger than such subscriptions. */
export function legacyEventMessage({ name, ...content }: DomainEvent): EventMessage | undefined {
  const kind: Kind = kinds[name];
  return kind.legacy === undefined ? undefined : { row: kind.legacy, message: content as never };
}
