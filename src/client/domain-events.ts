import {
  type Cursor,
  type DomainEventName,
  domainEventId,
  domainEventIdLimit,
  domainEventNames,
  domainEventOfRow,
  ErrorCode,
  Lifecycle,
  type Procedure,
  remote,
  VirError,
  virtwright,
  type Domain as WireDomain,
} from "../protocol/index.ts";
import type { DomainEvent, EventOptions, Gap } from "./event-types.ts";
import type { RawEvent, Session } from "./session.ts";
import { StateBook } from "./state-book.ts";
import { endOf, type SubscriptionSource } from "./subscription.ts";
import { fromWire, type Wrap } from "./values.ts";

export interface DomainEventsOptions extends Pick<EventOptions, "since" | "reconnect"> {
  /** undefined: all that the server has. */
  readonly names: readonly DomainEventName[] | undefined;
  /** undefined: of all domains. */
  readonly dom: WireDomain | undefined;
  readonly wrap: Wrap;
}

type Told = DomainEvent | Gap;

/** Domain events: from our daemon's journal where the place is to be kept, else as libvirt tells them. */
export function domainEventSource(options: DomainEventsOptions): SubscriptionSource<Told> {
  let position: Cursor | undefined = options.since;
  const keepsPlace = options.reconnect === true || options.since !== undefined;
  const book = new StateBook(options.wrap);
  return {
    begin: async (session, push, resumed) => {
      if (options.since !== undefined) session.extensions.need("cursor");
      if (keepsPlace && session.extensions.has("cursor")) {
        const keep = (event: Told): void => {
          position = event.position ?? position;
          push(event);
        };
        // Somebody else's daemon was there before: it has no place to go on from.
        const isBlind = resumed !== undefined && position === undefined;
        const { end, position: begun } = await openCursor(session, position ?? null, options, keep, resumed?.cause);
        if (isBlind) push(await book.gap(session, resumed.cause));
        position ??= begun;
        return end;
      }
      position = undefined;
      return register(session, push, resumed, options, book);
    },
  };
}

async function openCursor(
  session: Session,
  cursor: Cursor | null,
  { names, dom, wrap }: DomainEventsOptions,
  push: (event: Told) => void,
  cause: unknown,
): Promise<{ readonly end: () => Promise<void>; readonly position: Cursor }> {
  const eventIds = (names ?? []).map(domainEventId);
  let position: Cursor | undefined;
  const end = await session.subscribe(
    "cursor",
    {
      onEvent: (event) => push(readDomainEvent(event, wrap)),
      onGap: ({ missing, position }) => push({ name: "gap", cause, missing, changes: undefined, position }),
    },
    async () => {
      const opened = await session.wire.call(virtwright, "eventsOpen", { cursor, eventIds, dom: dom ?? null });
      position = opened.position;
      return opened;
    },
    (callbackId, options) => session.wire.call(virtwright, "eventsClose", { callbackId }, options),
  );
  return { end, position: position as Cursor };
}

async function register(
  session: Session,
  push: (event: Told) => void,
  resumed: { readonly cause: unknown } | undefined,
  { names, dom, wrap, reconnect }: DomainEventsOptions,
  book: StateBook,
): Promise<() => Promise<void>> {
  const wanted = new Set(names ?? domainEventNames.slice(0, domainEventIdLimit));
  // What a gap has changed is told from what was known before.
  const heard = reconnect === true ? new Set([...wanted, "lifecycle" as const]) : wanted;
  // What comes while the state is read waits behind the gap.
  let held: DomainEvent[] | undefined = [];
  const onEvent = (raw: RawEvent): void => {
    const event = readDomainEvent(raw, wrap);
    if (held !== undefined) held.push(event);
    else tell(event);
  };
  const tell = (event: DomainEvent): void => {
    if (event.name === "lifecycle") book.note(event);
    if (wanted.has(event.name)) push(event);
  };
  const begun = await Promise.allSettled([...heard].map((name) => registerOne(session, name, dom, onEvent)));
  const end = endOf(begun);
  try {
    const refused = begun.find(
      (each) => each.status === "rejected" && (names !== undefined || !isRefusal(each.reason)),
    );
    if (refused?.status === "rejected") throw refused.reason;
    if (reconnect === true) {
      if (resumed === undefined) await book.read(session, dom);
      else push(await book.gap(session, resumed.cause, dom));
    }
  } catch (error) {
    await end();
    throw error;
  }
  const waiting = held;
  held = undefined;
  for (const event of waiting) tell(event);
  return end;
}

function registerOne(
  session: Session,
  name: DomainEventName,
  dom: WireDomain | undefined,
  onEvent: (event: RawEvent) => void,
): Promise<() => Promise<void>> {
  return session.subscribe(
    "domain",
    { onEvent },
    () => session.call.connectDomainEventCallbackRegisterAny({ eventId: domainEventId(name), dom: dom ?? null }),
    (callbackId, options) => session.call.connectDomainEventCallbackDeregisterAny({ callbackId }, options),
  );
}

/** The server knows fewer events than we do. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof VirError &&
    [ErrorCode.invalidArg, ErrorCode.internalError, ErrorCode.noSupport].some((code) => code === error.code)
  );
}

/** What a message says, as readers have it. */
export function readDomainEvent(raw: RawEvent, wrap: Wrap): DomainEvent {
  const row = (remote.procedures as Readonly<Record<string, Procedure>>)[raw.row];
  const name = domainEventOfRow(raw.row);
  if (name === undefined || row?.kind !== "event") throw new TypeError(`${raw.row} is no event of a domain`);
  const message = fromWire(row.message, raw.message, wrap) as Readonly<Record<string, unknown>>;
  const { callbackId: _, reason, msg, ...fields } = message;
  // Beside a message in the message, libvirt sends a reason that is always 0.
  const { dom: domain, ...content } = (msg ?? { ...fields, ...(reason !== undefined && { reason }) }) as Record<
    string,
    unknown
  >;
  const { position, timeMs } = raw;
  const placed = position === undefined ? {} : { position, timeMs };
  const said = name === "lifecycle" ? inWords(content as { event: number; detail: number }) : content;
  return { name, domain, ...said, ...placed } as DomainEvent;
}

function inWords({ event, detail }: { readonly event: number; readonly detail: number }): object {
  const [name, row] = Object.entries(Lifecycle).find(([, each]) => each.event === event) ?? [`unknown (${event})`];
  const details: Readonly<Record<string, number>> = row?.detail ?? {};
  const word = Object.keys(details).find((each) => details[each] === detail);
  return { event: name, detail: word ?? `unknown (${detail})` };
}
