import { type ObjectKind, ObjectLifecycle, objectEventPlace, type Procedure, remote } from "../protocol/index.ts";
import type { Gap } from "./event-types.ts";
import type { RawEvent, Session } from "./session.ts";
import { endOf, type SubscriptionSource } from "./subscription.ts";
import { fromWire, type Wrap } from "./values.ts";

/** The events of each kind by their short names, with their rows. */
const rows = {
  network: { lifecycle: "networkEventLifecycle" },
  storagePool: { lifecycle: "storagePoolEventLifecycle", refresh: "storagePoolEventRefresh" },
  nodeDevice: { lifecycle: "nodeDeviceEventLifecycle", update: "nodeDeviceEventUpdate" },
  secret: { lifecycle: "secretEventLifecycle", valueChanged: "secretEventValueChanged" },
} as const;

/** The calls that subscribe, and the field that says what it is about. */
const calls = {
  network: ["connectNetworkEventRegisterAny", "connectNetworkEventDeregisterAny", "net"],
  storagePool: ["connectStoragePoolEventRegisterAny", "connectStoragePoolEventDeregisterAny", "pool"],
  nodeDevice: ["connectNodeDeviceEventRegisterAny", "connectNodeDeviceEventDeregisterAny", "dev"],
  secret: ["connectSecretEventRegisterAny", "connectSecretEventDeregisterAny", "secret"],
} as const;

type Push = (event: unknown) => void;

/** Events of networks, pools, devices or secrets: of one, or of all. No server keeps them: a lost connection is a gap. */
export function objectEventSource(
  kind: ObjectKind,
  names: readonly string[] | undefined,
  object: object | undefined,
  wrap: Wrap,
): SubscriptionSource<unknown> {
  const known = rowsOf(kind);
  const wanted = names ?? Object.keys(known);
  for (const name of wanted) {
    if (!Object.hasOwn(known, name))
      throw new TypeError(`a ${kind} has no event "${name}"; there are: ${Object.keys(known).join(", ")}`);
  }
  return {
    begin: async (session, push: Push, resumed) => {
      const begun = await Promise.allSettled(
        wanted.map((name) =>
          registerOne(session, kind, name, object, (raw) => push(readObjectEvent(kind, name, raw, wrap))),
        ),
      );
      const end = endOf(begun);
      const refused = begun.find((each) => each.status === "rejected");
      if (refused !== undefined) {
        await end();
        throw refused.reason;
      }
      const gap: Gap | undefined =
        resumed === undefined
          ? undefined
          : { name: "gap", cause: resumed.cause, missing: undefined, changes: undefined };
      if (gap !== undefined) push(gap);
      return end;
    },
  };
}

function rowsOf(kind: ObjectKind): Readonly<Record<string, string>> {
  return rows[kind];
}

function registerOne(
  session: Session,
  kind: ObjectKind,
  name: string,
  object: object | undefined,
  onEvent: (event: RawEvent) => void,
): Promise<() => Promise<void>> {
  const [register, deregister, field] = calls[kind];
  const { eventId } = objectEventPlace(rowsOf(kind)[name] as never);
  const args = { eventId, [field]: object ?? null };
  return session.subscribe(
    kind,
    { onEvent },
    () => session.call[register](args as never),
    (callbackId, options) => session.call[deregister]({ callbackId }, options),
  );
}

function readObjectEvent(kind: ObjectKind, name: string, raw: RawEvent, wrap: Wrap): unknown {
  const row = (remote.procedures as Readonly<Record<string, Procedure>>)[raw.row];
  if (row?.kind !== "event") throw new TypeError(`${raw.row} is no event`);
  const { callbackId: _, ...message } = fromWire(row.message, raw.message, wrap) as Record<string, unknown>;
  const field = calls[kind][2];
  const { [field]: object, ...content } = message;
  if (name !== "lifecycle") return { name, object, ...content };
  const words: Readonly<Record<string, number>> = ObjectLifecycle[kind];
  const event =
    Object.keys(words).find((word) => words[word] === content["event"]) ?? `unknown (${String(content["event"])})`;
  return { name, object, ...content, event };
}
