import { Definition, type DomainStatus } from "../../model/index.ts";
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

/** Throws when it is none, or one of a form that is not known. */
export function readGuest(text: string): Guest {
  const record = JSON.parse(text) as GuestRecord;
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
