import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Loop } from "../../event/index.ts";
import { DirectoryFiles, Journal, RecordStore, statePlace, upgradeFormats } from "../../model/index.ts";
import { lockFile } from "../../os/index.ts";
import { type DomainEvent, ErrorCode, ErrorDomain, isDomainEventName, VirError } from "../../protocol/index.ts";
import type { Guest } from "./guest.ts";
import { type KeptGuest, readGuest, readKept, writeGuest } from "./guest-record.ts";
import type { Hypervisor } from "./hypervisor.ts";
import type { StateKeeperOptions } from "./state-keeper.ts";

/** Of the records, in which a directory is known to have been used. */
const readyMark = "ready";

export interface StateDirectoryOptions {
  readonly loop: Loop;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Hears of records that cannot be read; they stay where they are. */
  readonly onWarning: (error: unknown) => void;
}

/**
 * The domains of a simulated hypervisor on disk: a record for each in `guests`, and the journal in `journal`. While it
 * is open it is one process's alone. Opening brings into the journal what a process that was killed had not told yet.
 *
 *     open -> closed
 *
 * close: open -> closed: closes the journal and lets others have the directory. Rejects with what the journal does; idempotent.
 */
export class StateDirectory {
  readonly journal: Journal<DomainEvent>;
  /** As they were when they were last confirmed, in the order of their making. */
  readonly guests: readonly Guest[];
  /** Nobody has used the directory before. */
  readonly isNew: boolean;
  readonly #store: RecordStore;
  readonly #marks: RecordStore;
  readonly #lock: { release(): void };

  private constructor(parts: Parts) {
    this.journal = parts.journal;
    this.guests = parts.guests;
    this.isNew = parts.isNew;
    this.#store = parts.store;
    this.#marks = parts.marks;
    this.#lock = parts.lock;
  }

  /** Makes it where it is missing. Rejects with VirError when it cannot be used. */
  static async open(path: string, options: StateDirectoryOptions): Promise<StateDirectory> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const lock = lockFile(join(path, "lock"));
      try {
        return new StateDirectory({ lock, ...(await load(path, options)) });
      } catch (error) {
        lock.release();
        throw error;
      }
    } catch (error) {
      const detail = `cannot use the state in ${path}: ${error instanceof Error ? error.message : String(error)}`;
      throw VirError.of(ErrorCode.internalError, ErrorDomain.test, detail, error);
    }
  }

  /** What keeps the domains of a hypervisor here. */
  over(hypervisor: Hypervisor): Omit<StateKeeperOptions, "publish"> {
    return {
      store: this.#store,
      position: () => this.journal.position,
      read: (uuid) => {
        const guest = hypervisor.find(uuid);
        return guest === undefined ? undefined : writeGuest(guest);
      },
      nameOf: (uuid) => hypervisor.find(uuid)?.name,
      restore: (uuid, text) => {
        if (text === undefined) hypervisor.forget(uuid);
        else hypervisor.adopt(readGuest(text));
      },
    };
  }

  /** From here on it has been used, so that nothing is added to what is found the next time. */
  markUsed(): Promise<void> {
    return this.#marks.save(readyMark, "");
  }

  async close(): Promise<void> {
    try {
      await this.journal.close();
    } finally {
      this.#lock.release();
    }
  }
}

interface Parts {
  readonly journal: Journal<DomainEvent>;
  readonly guests: readonly Guest[];
  readonly isNew: boolean;
  readonly store: RecordStore;
  readonly marks: RecordStore;
  readonly lock: { release(): void };
}

/** A younger version may have written others: they become a hole. */
function knownEvent(value: unknown): DomainEvent {
  const event = value as DomainEvent;
  if (!isDomainEventName(event.name)) throw new Error(`there is no event "${event.name as string}"`);
  return event;
}

async function load(path: string, { loop, clock, onWarning }: StateDirectoryOptions): Promise<Omit<Parts, "lock">> {
  await upgradeFormats([statePlace(path)]);
  const store = new RecordStore(join(path, "guests"), ".json");
  const marks = new RecordStore(path, ".mark");
  const { records, unreadable } = await store.load(readKept);
  for (const each of unreadable) {
    onWarning(new Error(`${each.path} is left out, and left as it is: ${each.error.message}`));
  }
  const found = await marks.load((_, name) => name);
  const journal = await Journal.open<DomainEvent>(
    { now: clock, decode: knownEvent },
    {
      loop,
      files: new DirectoryFiles(join(path, "journal")),
      onWarning: (message, cause) => onWarning(new Error(message, { cause })),
    },
  );
  await tellNews(records, journal, store);
  const guests = records.flatMap(({ guest }) => guest ?? []).toSorted((one, other) => one.order - other.order);
  return { store, marks, journal, guests, isNew: !found.records.includes(readyMark) };
}

/** Appends what was on disk with its domain, and had not come as far as the journal. */
async function tellNews(
  records: readonly KeptGuest[],
  journal: Journal<DomainEvent>,
  store: RecordStore,
): Promise<void> {
  const missing = records.flatMap((each) => missingIn(journal, each));
  const written = missing.map(async (event) => journal.written(journal.append(event).sequence));
  // Then all of it is left for the next opening.
  if ((await Promise.allSettled(written)).some(({ status }) => status === "rejected")) return;
  for (const { uuid, guest } of records) if (guest === undefined) await store.remove(uuid).catch(() => undefined);
}

function missingIn(journal: Journal<DomainEvent>, { uuid, news }: KeptGuest): readonly DomainEvent[] {
  if (news === undefined || news.since.journal !== journal.id) return [];
  const { events, gap } = journal.after(news.since);
  // Nobody knows whether they were among these; a reader who was there hears of the gap.
  if (gap !== undefined && gap.to > news.since.sequence) return [];
  return news.events.slice(events.filter(({ event }) => event.dom.uuid === uuid).length);
}
