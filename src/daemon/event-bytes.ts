import { type DomainEvent, eventMessage, headerLength, legacyEventMessage, remote } from "../protocol/index.ts";
import { encodeEvent } from "../rpc/index.ts";

/** A whole message in two parts. Whoever is sent `rest` shares its memory with all others, and may keep it. */
export interface EventBytes {
  readonly head: Uint8Array;
  readonly rest: Uint8Array;
}

interface Encoded {
  readonly event: DomainEvent;
  /** For subscriptions with an id, which stands at the beginning of the payload: where `rest` begins. */
  byId?: EventBytes;
  /** For those without; null: there is none. */
  legacy?: EventBytes | null;
}

/** An event is told to all before the next one is; journals keep events, and are not to keep their bytes too. */
let last: Encoded | undefined;

/** What a subscription with an id is sent: encoded once for all, and `head` valid until the next one asks. */
export function eventBytes(event: DomainEvent, callbackId: number): EventBytes {
  const encoded = encodedOf(event);
  if (encoded.byId === undefined) {
    const { row, message } = eventMessage(event, 0);
    encoded.byId = cut(encodeEvent(remote, row, message), headerLength + 4);
  }
  const { buffer, byteOffset } = encoded.byId.head;
  new DataView(buffer, byteOffset).setInt32(headerLength, callbackId);
  return encoded.byId;
}

/** What a subscription without an id is sent; undefined for events that are younger than such subscriptions. */
export function legacyEventBytes(event: DomainEvent): EventBytes | undefined {
  const encoded = encodedOf(event);
  if (encoded.legacy === undefined) {
    const found = legacyEventMessage(event);
    encoded.legacy = found === undefined ? null : cut(encodeEvent(remote, found.row, found.message), headerLength);
  }
  return encoded.legacy ?? undefined;
}

function cut(message: Uint8Array, at: number): EventBytes {
  return { head: message.slice(0, at), rest: message.subarray(at) };
}

function encodedOf(event: DomainEvent): Encoded {
  if (last?.event !== event) last = { event };
  return last;
}
