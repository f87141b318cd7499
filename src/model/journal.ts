import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { StateError } from "../event/index.ts";
import type { JournalContents, JournalWarning } from "./journal-reader.ts";
import { decodeEvent, encodeEvent, type Header } from "./journal-record.ts";
import type { Gap } from "./journal-segment.ts";
import { JournalStore, type JournalStoreOptions } from "./journal-store.ts";

/** An event with its place in the journal. */
export interface Stamped<T> {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly event: T;
}

/** How far a reader has come: to be kept by it, and to be given back unchanged. */
export interface Cursor {
  /** The journal's id, made once with it. */
  readonly journal: string;
  /** The opening of it that wrote the event: after a crash the numbers of lost events are given again. */
  readonly run: string;
  /** The last event that the reader has had; 0 before the first. */
  readonly sequence: number;
}

/** What comes after a cursor. */
export interface Rest<T> {
  /** In order. */
  readonly events: readonly Stamped<T>[];
  /**
   * From the first to the last number that is missing; what there is between is among the events. A reader who meets it
   * reads the state anew instead of adding events to what it knows.
   */
  readonly gap?: Gap;
}

export interface JournalOptions<T> {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How many events stay in memory. Default 10,000. */
  readonly keep?: number;
  /** How long their texts may be together, in characters: beyond it the older half goes. Default 32 Mi. */
  readonly keepCharacters?: number;
  /** Default: JSON, with {"$n": "12"} for a bigint. */
  readonly encode?: (event: T) => unknown;
  /** Gets what `encode` gave, as it comes back from JSON. Throws for what it does not know. */
  readonly decode?: (value: unknown) => T;
}

interface StoredState<T> {
  readonly id: string;
  readonly run: string;
  readonly contents: Pick<JournalContents, "runs" | "holes" | "next">;
  readonly events: Stamped<T>[];
  readonly store: JournalStore;
}

/**
 * What has happened on a hypervisor, in order and numbered. Events are not changed after they were appended.
 *
 *     open -> closed
 *
 * append: open; StateError later. after, position: any.
 * close:  open -> closed; idempotent. What was appended is on the disk then, or it rejects with Node's error.
 *
 * Without a store (`new Journal`) it lives as long as its object; `Journal.open` has one in a directory.
 */
export class Journal<T> {
  readonly id: string;
  readonly #options: JournalOptions<T>;
  readonly #keep: number;
  readonly #keepCharacters: number;
  /** Of `#events`. */
  #characters = 0;
  readonly #store: JournalStore | undefined;
  /** This opening's, and from where on each one that is known has written; the last is this one. */
  readonly #runs: Pick<Header, "run" | "first">[];
  readonly #holes: readonly Gap[];
  /** Those to be kept are the last of these. */
  #events: Stamped<T>[];
  #next: number;
  #closed = false;

  constructor(options: JournalOptions<T>, stored?: StoredState<T>) {
    this.#options = options;
    this.#keep = options.keep ?? 10_000;
    this.#keepCharacters = options.keepCharacters ?? 33_554_432;
    this.id = stored?.id ?? randomUUID();
    this.#store = stored?.store;
    this.#events = stored?.events ?? [];
    this.#characters = lengthOf(this.#events);
    this.#holes = stored?.contents.holes ?? [];
    this.#next = stored?.contents.next ?? 1;
    this.#runs = [...(stored?.contents.runs ?? []), { run: stored?.run ?? randomUUID(), first: this.#next }];
  }

  /** Reads what is stored, and mends it; `storage.onWarning` hears how. Rejects with Node's error. */
  static async open<T>(options: JournalOptions<T>, storage: JournalStoreOptions): Promise<Journal<T>> {
    const contents = await JournalStore.read(storage, options.keep ?? 10_000);
    const { events, holes } = await decodeAll(contents, options, storage.onWarning);
    const [id, run] = [contents.journal ?? randomUUID(), randomUUID()];
    const store = new JournalStore(storage, contents, id, run);
    await store.begin();
    const { runs, next } = contents;
    return new Journal(options, { id, run, contents: { runs, next, holes }, events, store });
  }

  /** Where a reader stands who has had everything that `after` has to give. */
  get position(): Cursor {
    return this.cursorAt(this.#readable);
  }

  cursorAt(sequence: number): Cursor {
    const run = this.#runs.findLast(({ first }) => first <= sequence) ?? this.#runs[0];
    return { journal: this.id, run: (run as Header).run, sequence };
  }

  append(event: T): Stamped<T> {
    if (this.#closed) throw new StateError("the journal is closed");
    const stamped: Stamped<T> = { sequence: this.#next, time: this.#options.now(), event };
    const { encode = (value: T): unknown => value } = this.#options;
    this.#store?.append(stamped.sequence, encodeEvent({ ...stamped, event: encode(event) }));
    this.#next++;
    this.#events.push(stamped);
    this.#characters += lengthOf(event);
    if (this.#events.length >= 2 * this.#keep) this.#drop(this.#keep, Number.POSITIVE_INFINITY);
    if (this.#characters > this.#keepCharacters) this.#drop(this.#keep, this.#keepCharacters / 2);
    return stamped;
  }

  /**
   * With a store what has been written alone: a reader never has what the end of the process takes.
   * A cursor of another journal, or of a run that nobody knows any more, has missed everything: no events, one gap.
   */
  after(cursor: Cursor): Rest<T> {
    const end = this.#endOf(cursor);
    if (end === undefined) return { events: [], gap: { from: 1, to: this.#readable } };
    const start = Math.min(cursor.sequence, end);
    const first = Math.max(0, this.#events.length - this.#keep);
    const events = this.#events.slice(this.#indexAfter(start, first), this.#indexAfter(this.#readable, first));
    const missing = this.#holes.filter(({ to }) => to > start);
    const firstKept = this.#events[first]?.sequence ?? this.#next;
    if (firstKept > start + 1) missing.unshift({ from: start + 1, to: firstKept - 1 });
    // It has had events that a crash has taken: their numbers are of others now.
    if (cursor.sequence > end) missing.unshift({ from: end + 1, to: cursor.sequence });
    if (missing.length === 0) return { events };
    const [from, to] = [missing.map((gap) => gap.from), missing.map((gap) => gap.to)];
    return { events, gap: { from: Math.max(Math.min(...from), start + 1), to: Math.max(...to) } };
  }

  /** Undefined without a store; see `JournalStore.written`. */
  written(sequence: number): Promise<void> | undefined {
    return this.#store?.written(sequence);
  }

  /** Without a store at once; see `JournalStore.flushed`. */
  flushed(sequence: number): Promise<void> {
    return this.#store?.flushed(sequence) ?? Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#store?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Keeps the latest events: so many, with so many characters, and one whatever its length. */
  #drop(count: number, characters: number): void {
    let [start, kept] = [this.#events.length, 0];
    while (start > 0 && this.#events.length - start < count) {
      const next = kept + lengthOf((this.#events[start - 1] as Stamped<T>).event);
      if (next > characters && start < this.#events.length) break;
      start--;
      kept = next;
    }
    this.#events = this.#events.slice(start);
    this.#characters = kept;
  }

  get #readable(): number {
    return this.#store?.readable ?? this.#next - 1;
  }

  /** The last event of the cursor's run; undefined when the cursor is none of ours. */
  #endOf({ journal, run, sequence }: Cursor): number | undefined {
    if (journal !== this.id || !Number.isSafeInteger(sequence) || sequence < 0) return undefined;
    if (sequence === 0) return 0;
    const last = this.#runs.findLastIndex((each) => each.run === run);
    if (last < 0) return undefined;
    const end = (this.#runs[last + 1]?.first ?? this.#next) - 1;
    return last === this.#runs.length - 1 && sequence > end ? undefined : end;
  }

  #indexAfter(sequence: number, first: number): number {
    let [low, high] = [first, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as Stamped<T>).sequence > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Of all texts in it. */
function lengthOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  let sum = 0;
  for (const each of Object.values(value)) sum += lengthOf(each);
  return sum;
}

/** In pieces, so that nobody else waits for it. What cannot be decoded is a hole. */
async function decodeAll<T>(
  { events: stored, holes }: JournalContents,
  { decode = (value: unknown) => value as T }: JournalOptions<T>,
  warn: JournalWarning,
): Promise<{ events: Stamped<T>[]; holes: Gap[] }> {
  const events: Stamped<T>[] = [];
  const all = [...holes];
  for (const [index, { sequence, text }] of stored.entries()) {
    if (index % 200 === 199) await setImmediate();
    try {
      const value = decodeEvent(text) as Stamped<unknown>;
      events.push({ ...value, event: decode(value.event) });
    } catch (error) {
      warn(`event ${sequence} of the journal is not understood: it is left out`, error);
      all.push({ from: sequence, to: sequence });
    }
  }
  return { events, holes: all };
}
