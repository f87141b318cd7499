import { type DomainEvent, eventMessage, headerLength, legacyEventMessage, remote } from "../protocol/index.ts";
import { encodeEvent } from "../rpc/index.ts";

interface Encoded {
  readonly event: DomainEvent;
  /** For subscriptions with an id, which stands at the beginning of the payload. */
  byId?: Uint8Array;
  /** For those without; null: there is none. */
  legacy?: Uint8Array | null;
}

/** An event is told to all before the next one is; journals keep events, and are not to keep their bytes too. */
let last: Encoded | undefined;

/** What a subscription with an id is sent: encoded once for all, and valid until the next one asks. */
export function eventBytes(event: DomainEvent, callbackId: number): Uint8Array {
  const encoded = encodedOf(event);
  if (encoded.byId === undefined) {
    const { row, message } = eventMessage(event, 0);
    encoded.byId = encodeEvent(remote, row, message);
  }
  const { buffer, byteOffset } = encoded.byId;
  new DataView(buffer, byteOffset).setInt32(headerLength, callbackId);
  return encoded.byId;
}

/** What a subscription without an id is sent; undefined for events that are younger than such subscriptions. */
export function legacyEventBytes(event: DomainEvent): Uint8Array | undefined {
  const encoded = encodedOf(event);
  if (encoded.legacy === undefined) {
    const found = legacyEventMessage(event);
    encoded.legacy = found === undefined ? null : encodeEvent(remote, found.row, found.message);
  }
  return encoded.legacy ?? undefined;
}

function encodedOf(event: DomainEvent): Encoded {
  if (last?.event !== event) last = { event };
  return last;
}
