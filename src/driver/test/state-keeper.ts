import { Deferred } from "../../event/index.ts";
import type { RecordStore } from "../../model/index.ts";
import { type DomainEvent, ErrorDomain, VirError } from "../../protocol/index.ts";

export interface StateKeeperOptions {
  readonly store: RecordStore;
  /** A domain as it is now, as text; undefined when it does not exist. */
  readonly read: (uuid: string) => string | undefined;
  /** Makes a domain again what it was, or makes it not exist. */
  readonly restore: (uuid: string, text: string | undefined) => void;
  /** Tells what has happened. */
  readonly publish: (event: DomainEvent) => void;
}

/** What there is to do about one domain. */
interface Entry {
  /** As it is on disk. */
  saved: string | undefined;
  /** A writing has failed: it may be something else on disk. */
  isDoubtful: boolean;
  isDirty: boolean;
  isWriting: boolean;
  /** To be told once what they tell of is on disk. */
  events: DomainEvent[];
  waiting: Deferred[];
}

/**
 * Keeps every domain on disk as it is in memory: a change is written, then told and confirmed. Changes that come while
 * one is written go together into the next writing. When writing fails the domain becomes again what it is on disk, and
 * all changes since then fail: what others have read of them meanwhile was never confirmed.
 *
 * adopt:   takes up what was read from the disk at the beginning.
 * tell:    an event of a domain that has changed.
 * settle:  resolves when these domains are on disk as they are now; VirError when they cannot be.
 * idle:    resolves when nothing is left to write.
 */
export class StateKeeper {
  readonly #options: StateKeeperOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #writing = new Set<Promise<void>>();

  constructor(options: StateKeeperOptions) {
    this.#options = options;
  }

  adopt(uuid: string, text: string): void {
    this.#entries.set(uuid, {
      saved: text,
      isDoubtful: false,
      isDirty: false,
      isWriting: false,
      events: [],
      waiting: [],
    });
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
      entry = { saved: undefined, isDoubtful: false, isDirty: false, isWriting: false, events: [], waiting: [] };
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
  }

  async #writeAll(uuid: string, entry: Entry): Promise<void> {
    // Whoever has touched it is still at it.
    await Promise.resolve();
    while (entry.isDirty) {
      entry.isDirty = false;
      const [events, waiting] = [entry.events.splice(0), entry.waiting.splice(0)];
      try {
        await this.#write(uuid, entry);
      } catch (error) {
        this.#takeBack(uuid, entry, waiting, error);
        await this.#putBack(uuid, entry);
        continue;
      }
      for (const event of events) this.#options.publish(event);
      for (const each of waiting) each.resolve();
    }
    entry.isWriting = false;
    if (entry.saved === undefined && !entry.isDoubtful) this.#entries.delete(uuid);
  }

  async #write(uuid: string, entry: Entry): Promise<void> {
    const text = this.#options.read(uuid);
    if (text === entry.saved && !entry.isDoubtful) return;
    await this.#bring(uuid, text);
    entry.saved = text;
    entry.isDoubtful = false;
  }

  #bring(uuid: string, text: string | undefined): Promise<void> {
    const { store } = this.#options;
    return text === undefined ? store.remove(uuid) : store.save(uuid, text);
  }

  /** The last step of a writing may have failed, with the new text in place: after a restart it would be there. */
  async #putBack(uuid: string, entry: Entry): Promise<void> {
    try {
      await this.#bring(uuid, entry.saved);
      entry.isDoubtful = false;
    } catch {
      entry.isDoubtful = true;
    }
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
