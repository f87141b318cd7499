import { Deferred } from "../../event/index.ts";
import type { Cursor, RecordStore } from "../../model/index.ts";
import { type DomainEvent, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type News, withNews } from "./guest-record.ts";

export interface StateKeeperOptions {
  readonly store: Pick<RecordStore, "save" | "remove">;
  /** A domain as it is now, as text; undefined when it does not exist. */
  readonly read: (uuid: string) => string | undefined;
  /** Its name as it is now; undefined when it does not exist. */
  readonly nameOf: (uuid: string) => string | undefined;
  /** Makes a domain again what it was, or makes it not exist. */
  readonly restore: (uuid: string, text: string | undefined) => void;
  /** Where the journal stands. */
  readonly position: () => Cursor;
  /** Tells what has happened, in order. Resolves when it is written in the journal; rejects when that fails. */
  readonly publish: (event: DomainEvent) => Promise<void>;
}

/** What there is to do about one domain. */
interface Entry {
  readonly uuid: string;
  /** As it is on disk, and its name there. */
  saved: string | undefined;
  savedName: string | undefined;
  /** A writing has failed: it may be something else on disk. */
  isDoubtful: boolean;
  isDirty: boolean;
  isWriting: boolean;
  /** Until it is no longer dirty. */
  writing: Promise<void> | undefined;
  /** It is not written before this one, which has its name on disk. */
  waitsFor: Entry | undefined;
  /** To be told once what they tell of is on disk. */
  events: DomainEvent[];
  /** On disk with the domain, and not known to be in the journal. */
  news: News | undefined;
  waiting: Deferred[];
}

/**
 * Keeps every domain on disk as it is in memory: a change is written, then told and confirmed. Changes that come while
 * one is written go together into the next writing. When writing fails the domain becomes again what it is on disk, and
 * all changes since then fail: what others have read of them meanwhile was never confirmed.
 *
 * The events of a change are on disk with it, so that the journal gets them later if the process ends in between. Of a
 * domain that is gone its news remain until the journal has them.
 *
 * A name is on disk once: who takes it over is written when the one who had it no longer has. Where several exchange their
 * names in a circle one of them goes first.
 *
 * adopt:   takes up what was read from the disk at the beginning.
 * tell:    an event of a domain that has changed.
 * settle:  resolves when these domains are on disk as they are now, and told; VirError when they cannot be.
 * idle:    resolves when nothing is left to write.
 */
export class StateKeeper {
  readonly #options: StateKeeperOptions;
  readonly #entries = new Map<string, Entry>();
  /** Who has a name on disk. */
  readonly #owners = new Map<string, Entry>();
  readonly #writing = new Set<Promise<void>>();

  constructor(options: StateKeeperOptions) {
    this.#options = options;
  }

  adopt(uuid: string, text: string): void {
    const entry = newEntry(uuid, text);
    this.#entries.set(uuid, entry);
    this.#keepName(entry, this.#options.nameOf(uuid));
  }

  tell(event: DomainEvent): void {
    this.#touch(event.dom.uuid).events.push(event);
  }

  async settle(uuids: readonly string[]): Promise<void> {
    await Promise.all(
      uuids.map((uuid) => {
        const written = new Deferred();
        this.#touch(uuid).waiting.push(written);
        return written.promise;
      }),
    );
  }

  async idle(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #touch(uuid: string): Entry {
    let entry = this.#entries.get(uuid);
    if (entry === undefined) {
      entry = newEntry(uuid, undefined);
      this.#entries.set(uuid, entry);
    }
    entry.isDirty = true;
    if (!entry.isWriting) this.#begin(uuid, entry);
    return entry;
  }

  #begin(uuid: string, entry: Entry): void {
    entry.isWriting = true;
    const writing = this.#writeAll(uuid, entry).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
    entry.writing = writing;
  }

  async #writeAll(uuid: string, entry: Entry): Promise<void> {
    // Whoever has touched it is still at it.
    await Promise.resolve();
    while (entry.isDirty) {
      for (let owner = this.#owner(entry); owner !== undefined; owner = this.#owner(entry)) {
        entry.waitsFor = owner;
        await owner.writing;
        entry.waitsFor = undefined;
      }
      entry.isDirty = false;
      const [events, waiting] = [entry.events.splice(0), entry.waiting.splice(0)];
      try {
        await this.#write(uuid, entry, events);
      } catch (error) {
        this.#takeBack(uuid, entry, waiting, error);
        await this.#putBack(uuid, entry);
        continue;
      }
      await this.#publish(uuid, entry, events, waiting);
    }
    entry.isWriting = false;
    if (entry.saved === undefined && !entry.isDoubtful && entry.news === undefined) this.#entries.delete(uuid);
  }

  async #write(uuid: string, entry: Entry, events: readonly DomainEvent[]): Promise<void> {
    const [text, name] = [this.#options.read(uuid), this.#options.nameOf(uuid)];
    const { since, events: before } = entry.news ?? { since: this.#options.position(), events: [] };
    const news = before.length + events.length === 0 ? undefined : { since, events: [...before, ...events] };
    // Several events lead back to the same state: told of the first alone, a reader would believe another.
    if (text === entry.saved && !entry.isDoubtful && events.length < 2) return;
    await this.#bring(uuid, text, news);
    [entry.saved, entry.news, entry.isDoubtful] = [text, news, false];
    this.#keepName(entry, name);
  }

  /** Who is about to give up on disk the name that this one is to have there. */
  #owner(entry: Entry): Entry | undefined {
    const name = this.#options.nameOf(entry.uuid);
    const owner = name === undefined ? undefined : this.#owners.get(name);
    if (owner === undefined || owner === entry || !owner.isWriting) return undefined;
    for (let each = owner.waitsFor; each !== undefined; each = each.waitsFor) if (each === entry) return undefined;
    return this.#options.nameOf(owner.uuid) === name ? undefined : owner;
  }

  #keepName(entry: Entry, name: string | undefined): void {
    const { savedName } = entry;
    if (savedName !== undefined && this.#owners.get(savedName) === entry) this.#owners.delete(savedName);
    entry.savedName = name;
    if (name !== undefined) this.#owners.set(name, entry);
  }

  #bring(uuid: string, text: string | undefined, news: News | undefined): Promise<void> {
    return text === undefined ? this.#remove(uuid, news) : this.#options.store.save(uuid, withNews(text, news));
  }

  /** The last step of a writing may have failed, with the new text in place: after a restart it would be there. */
  async #putBack(uuid: string, entry: Entry): Promise<void> {
    try {
      await this.#bring(uuid, entry.saved, entry.news);
      entry.isDoubtful = false;
    } catch {
      entry.isDoubtful = true;
    }
  }

  async #remove(uuid: string, news: News | undefined): Promise<void> {
    try {
      if (news !== undefined) return await this.#options.store.save(uuid, withNews(undefined, news));
    } catch {
      // A full disk must not keep a domain alive: its last news are then as safe as the journal is.
    }
    await this.#options.store.remove(uuid);
  }

  async #publish(
    uuid: string,
    entry: Entry,
    events: readonly DomainEvent[],
    waiting: readonly Deferred[],
  ): Promise<void> {
    const published = await Promise.allSettled(events.map((event) => this.#options.publish(event)));
    const isWritten = published.every(({ status }) => status === "fulfilled");
    const hadNews = entry.news !== undefined;
    if (isWritten) entry.news = undefined;
    for (const each of waiting) each.resolve();
    if (!isWritten || !hadNews || entry.saved !== undefined || entry.isDirty) return;
    // When it stays, the next opening finds its news in the journal and removes it.
    await this.#options.store.remove(uuid).catch(() => undefined);
  }

  #takeBack(uuid: string, entry: Entry, failed: readonly Deferred[], cause: unknown): void {
    entry.isDirty = false;
    entry.events = [];
    const waiting = [...failed, ...entry.waiting.splice(0)];
    this.#options.restore(uuid, entry.saved);
    const { errno = -5 } = cause as NodeJS.ErrnoException;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const detail = `the change cannot be kept, and was taken back: ${reason}`;
    for (const each of waiting) each.reject(VirError.system(ErrorDomain.test, -errno, detail, cause));
  }
}

function newEntry(uuid: string, saved: string | undefined): Entry {
  return {
    uuid,
    saved,
    savedName: undefined,
    isDoubtful: false,
    isDirty: false,
    isWriting: false,
    writing: undefined,
    waitsFor: undefined,
    events: [],
    news: undefined,
    waiting: [],
  };
}
