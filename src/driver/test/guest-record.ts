import { type Cursor, Definition, type DomainStatus, decodeEvent, encodeEvent } from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { Checkpoint } from "./checkpoints.ts";
import { Guest, type IoThreadPolling } from "./guest.ts";
import type { Moment, Moments } from "./moments.ts";
import type { Snapshot } from "./snapshots.ts";

/** The form of a record; a daemon refuses one that is younger than it knows. */
const format = 1;

type Described = Moment & { readonly definition: Definition | undefined };
type Written<T extends Described> = Omit<T, "definition"> & { readonly definition: string | null };

type WrittenPolling = Omit<IoThreadPolling, "maxNs"> & { readonly maxNs: string };

interface WrittenMoments<T> {
  readonly current: string | null;
  readonly all: readonly T[];
}

/** Events of a change, kept with it until the journal has them. */
export interface News {
  /** Where the journal stood: of this domain's events behind it, these are the first. */
  readonly since: Cursor;
  readonly events: readonly DomainEvent[];
}

/** What is on disk about a domain. */
export interface KeptGuest {
  readonly uuid: string;
  /** Undefined when the news are that there is none any more. */
  readonly guest: Guest | undefined;
  readonly news: News | undefined;
}

/** A guest on disk, as JSON: definitions in XML, 64-bit numbers as text. */
interface GuestRecord {
  readonly format: number;
  readonly order: number;
  readonly id: number;
  readonly persistent: boolean;
  readonly autostart: boolean;
  readonly hasManagedSave: boolean;
  readonly status: DomainStatus;
  readonly time: { readonly seconds: string; readonly nseconds: number };
  readonly frozen: readonly string[];
  readonly polling: readonly WrittenPolling[];
  readonly current: string;
  readonly next: string | null;
  readonly snapshots: WrittenMoments<Written<Snapshot>>;
  readonly checkpoints: WrittenMoments<Written<Checkpoint>>;
}

export function writeGuest(guest: Guest): string {
  const { order, id, persistent, autostart, hasManagedSave, status, time } = guest;
  const record: GuestRecord = {
    format,
    order,
    id,
    persistent,
    autostart,
    hasManagedSave,
    status,
    time: { seconds: String(time.seconds), nseconds: time.nseconds },
    frozen: [...guest.frozen],
    polling: guest.polling.map((each) => ({ ...each, maxNs: String(each.maxNs) })),
    current: guest.definition.toXml(),
    next: guest.hasNext ? guest.nextDefinition.toXml() : null,
    snapshots: writeMoments(guest.snapshots),
    checkpoints: writeMoments(guest.checkpoints),
  };
  return `${JSON.stringify(record, undefined, 1)}\n`;
}

/** What `writeGuest` gave, with the news; undefined: there is no such domain any more. */
export function withNews(text: string | undefined, news: News | undefined): string {
  const guest = text ?? `{"format":${format}}\n`;
  return news === undefined ? guest : `{"news":${encodeEvent(news)},${guest.slice(1)}`;
}

/** Throws when it is none, one of a form that is not known, or another domain's. */
export function readKept(text: string, uuid: string): KeptGuest {
  const record = JSON.parse(text) as Partial<GuestRecord> & { readonly news?: unknown };
  const news = record.news === undefined ? undefined : (decodeEvent(JSON.stringify(record.news)) as News);
  const isGone = record.format === format && record.current === undefined && news !== undefined;
  const guest = isGone ? undefined : toGuest(record as GuestRecord);
  // A copy under another name would be a second domain with the same uuid.
  if (guest !== undefined && guest.uuid !== uuid)
    throw new Error(`it is the record of domain ${guest.uuid}, under another's name`);
  return { uuid, guest, news };
}

/** As `readKept`, of a guest that is there. */
export function readGuest(text: string): Guest {
  return toGuest(JSON.parse(text) as GuestRecord);
}

function toGuest(record: GuestRecord): Guest {
  if (record.format !== format) {
    throw new Error(
      `the record has form ${record.format}, and this version knows ${format}: use the version that wrote it`,
    );
  }
  const guest = new Guest(Definition.restore(record.current));
  const { order, persistent, autostart, hasManagedSave, status, time } = record;
  Object.assign(guest, { order, persistent, autostart, hasManagedSave, status });
  guest.time = { seconds: BigInt(time.seconds), nseconds: time.nseconds };
  for (const path of record.frozen) guest.frozen.add(path);
  guest.polling.push(...record.polling.map((each) => ({ ...each, maxNs: BigInt(each.maxNs) })));
  readMoments(guest.snapshots, record.snapshots);
  readMoments(guest.checkpoints, record.checkpoints);
  guest.resume(record.id, record.next === null ? undefined : Definition.restore(record.next));
  return guest;
}

function writeMoments<T extends Described>(moments: Moments<T>): WrittenMoments<Written<T>> {
  const all = [...moments].map((moment) => ({ ...moment, definition: moment.definition?.toXml() ?? null }));
  return { current: moments.current ?? null, all };
}

function readMoments<T extends Described>(moments: Moments<T>, { current, all }: WrittenMoments<Written<T>>): void {
  for (const each of all) {
    const definition = each.definition === null ? undefined : Definition.restore(each.definition);
    moments.set({ ...each, definition } as unknown as T);
  }
  moments.current = current ?? undefined;
}
