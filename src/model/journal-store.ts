import { setImmediate } from "node:timers/promises";
import { type Loop, StateError, type Timeout } from "../event/index.ts";
import { type JournalContents, type JournalWarning, readJournal } from "./journal-reader.ts";
import { lineOf } from "./journal-record.ts";
import { type Gap, segmentName } from "./journal-segment.ts";
import { SequenceWaiters } from "./sequence-waiters.ts";
import type { StoredFile, StoredFiles } from "./stored-files.ts";

export interface JournalStoreOptions {
  readonly loop: Loop;
  readonly files: StoredFiles;
  /** Must not throw. */
  readonly onWarning: JournalWarning;
  /** A segment that has become this long is the last no more. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** How many segments are kept. Default 8. */
  readonly segments?: number;
  /** From an event to the disk. Default 50. */
  readonly syncMs?: number;
  /** After an error, until it is tried again. Default 1000. */
  readonly retryMs?: number;
  /** How much may wait for the disk before the oldest of it is given up. Default 64 MiB. */
  readonly backlogBytes?: number;
}

interface Segment {
  readonly first: number;
  file: StoredFile | undefined;
  /** What has been written: its length, the number after it, and whether this run's header is in it. */
  written: Extent;
  /** What is on the disk whatever happens. */
  safe: Extent;
}

interface Extent {
  readonly bytes: number;
  readonly next: number;
  readonly isOurs: boolean;
}

const batchBytes = 256 * 1024;

/**
 * Brings the lines of a journal to the disk, in order, in segments of their own names.
 *
 *     open -> closed
 *
 * append:  open; never waits. Written at once or with those that come meanwhile, and synced `syncMs` later.
 * written, flushed: open.
 * close:   open -> closed: writes and syncs what is left, once; rejects when that fails. Idempotent. Before the loop's.
 *
 * After an error everything from the last sync on is in doubt (a failed fdatasync may have dropped pages). So the lines
 * stay in memory until a sync has had them; every `retryMs` the segment is opened anew, cut back to what that sync had,
 * and written again from there. So the disk gets neither a gap nor a duplicate, unless more than `backlogBytes` comes to
 * wait: then the oldest are given up, that is said, and a new segment, named for what it begins with, shows the gap.
 *
 * Two stores must not have one directory: to keep another process out is the caller's business.
 */
export class JournalStore {
  readonly #options: Required<JournalStoreOptions>;
  readonly #timer: Timeout;
  readonly #names: string[];
  readonly #journal: string;
  readonly #run: string;
  #segment: Segment;
  /** By number: all from `#oldest` to `#newest`, those that no sync has had yet. */
  readonly #lines = new Map<number, string>();
  #oldest: number;
  #newest: number;
  #backlog = 0;
  /** To be synced now: all up to this number. */
  #syncUpTo = 0;
  #armed = false;
  #work: Promise<void> | undefined;
  /** Of the outage that lasts. */
  #error: { readonly cause: unknown } | undefined;
  readonly #lost: Gap[] = [];
  /** Readers may know of a new journal before it has an event. */
  #mustBegin = false;
  #readable: number;
  readonly #unwritten = new SequenceWaiters();
  readonly #unsynced = new SequenceWaiters();
  #closing: Promise<void> | undefined;

  constructor(options: JournalStoreOptions, contents: JournalContents, journal: string, run: string) {
    this.#options = {
      segmentBytes: 2 ** 24,
      segments: 8,
      syncMs: 50,
      retryMs: 1000,
      backlogBytes: 2 ** 26,
      ...options,
    };
    this.#journal = journal;
    this.#run = run;
    this.#names = [...contents.names];
    this.#oldest = contents.next;
    this.#newest = contents.next - 1;
    this.#syncUpTo = this.#newest;
    this.#readable = this.#newest;
    const { last, names, next } = contents;
    const name = names.at(-1);
    this.#segment =
      last === undefined || name === undefined || last.next !== next
        ? segment(next)
        : segment(Number.parseInt(name, 10), { bytes: last.bytes, next, isOurs: false });
    this.#timer = options.loop.timeout("never", () => this.#due(), { name: "journal" });
  }

  /** Reads what there is, mends it and says how; see `readJournal`. */
  static read({ files, onWarning }: JournalStoreOptions, keep: number): Promise<JournalContents> {
    return readJournal(files, keep, onWarning);
  }

  /** Resolves when a new journal has its id on the disk, or cannot have it for now. */
  async begin(): Promise<void> {
    if (this.#names.length > 0) return;
    this.#mustBegin = true;
    this.#wake();
    await this.#work;
  }

  /** `sequence` is one more than the last one. */
  append(sequence: number, json: string): void {
    if (this.#closing !== undefined) throw new StateError("the journal is closed");
    const line = lineOf(json);
    this.#lines.set(sequence, line);
    this.#newest = sequence;
    this.#backlog += line.length;
    while (this.#backlog > this.#options.backlogBytes && this.#oldest < sequence) this.#forgetOldest();
    if (!this.#armed) this.#arm(this.#options.syncMs);
    if (this.#error === undefined) this.#wake();
    else this.#readable = sequence;
  }

  /** The last event that readers may have: the end of the process does not take it, unless an outage lasts. */
  get readable(): number {
    return this.#readable;
  }

  /**
   * Resolves when the end of the process does not take the event any more; undefined when that is so. Rejects with
   * Node's error during an outage, in which readers have it even so.
   */
  written(sequence: number): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(this.#error.cause);
    if (sequence < this.#segment.written.next) return undefined;
    return this.#unwritten.wait(sequence);
  }

  /** Resolves when the event is on the disk. Rejects with Node's error when writing fails; it is tried again even so. */
  flushed(sequence: number): Promise<void> {
    if (sequence > this.#newest) return Promise.reject(new RangeError(`there is no event ${sequence} yet`));
    if (this.#lost.some(({ from, to }) => sequence >= from && sequence <= to))
      return Promise.reject(new StateError(`event ${sequence} was given up: the disk could not take it in time`));
    if (sequence < this.#segment.safe.next) return Promise.resolve();
    if (this.#closing !== undefined) return Promise.reject(new StateError("the journal is closed"));
    return this.#unsynced.wait(sequence);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#timer.remove();
    this.#syncUpTo = this.#newest;
    await this.#workDone();
    // Once more, if that ended with an error.
    this.#wake();
    await this.#workDone();
    await this.#segment.file?.close();
    this.#segment.file = undefined;
    if (this.#error !== undefined) throw this.#error.cause;
  }

  async #workDone(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  #arm(ms: number): void {
    this.#armed = true;
    this.#timer.modify(this.#options.loop.now() + ms);
  }

  #due(): void {
    this.#timer.modify("never");
    this.#armed = false;
    this.#syncUpTo = this.#newest;
    this.#wake();
  }

  #wake(): void {
    this.#work ??= this.#workOff();
  }

  async #workOff(): Promise<void> {
    // What is appended in this stretch of work goes into one write.
    await Promise.resolve();
    try {
      while (await this.#step());
    } catch (error) {
      await this.#fail(error);
    }
    this.#work = undefined;
    // Appended or due since the last step looked.
    if (this.#error === undefined && this.#hasWork) this.#wake();
  }

  get #hasWork(): boolean {
    return this.#segment.written.next <= this.#newest || this.#mustSync;
  }

  get #mustSync(): boolean {
    return this.#mustBegin || this.#segment.safe.next <= this.#syncUpTo;
  }

  /** One thing at a time; false when all is done. */
  async #step(): Promise<boolean> {
    if (!this.#hasWork) return false;
    const current = this.#segment;
    const file = current.file ?? (await this.#attach(current));
    const { bytes, next, isOurs } = current.written;
    const isReady = next > this.#syncUpTo && (isOurs || !this.#mustBegin);
    if (isReady && this.#mustSync) await this.#sync(current, file);
    else if (next < this.#oldest || bytes >= this.#options.segmentBytes) await this.#rotate(current, file);
    else await this.#write(current, file);
    return true;
  }

  /** Opens the segment, and takes back what no sync has had. */
  async #attach(current: Segment): Promise<StoredFile> {
    const { files } = this.#options;
    const file = await files.open(segmentName(current.first));
    try {
      await file.truncate(current.safe.bytes);
      await files.sync();
    } catch (error) {
      await close(file);
      throw error;
    }
    current.written = current.safe;
    current.file = file;
    await this.#addName(segmentName(current.first));
    return file;
  }

  async #write(current: Segment, file: StoredFile): Promise<void> {
    let { bytes, next, isOurs } = current.written;
    let text = isOurs ? "" : lineOf(JSON.stringify({ journal: this.#journal, run: this.#run, first: next }));
    while (next <= this.#newest && text.length < batchBytes) text += this.#lines.get(next++) ?? "";
    const batch = Buffer.from(text);
    for (let done = 0; done < batch.length; ) {
      const count = await file.write(batch.subarray(done), bytes + done);
      if (count === 0) throw new Error("the disk takes nothing, and does not say why");
      done += count;
    }
    bytes += batch.length;
    current.written = { bytes, next, isOurs: true };
    this.#readable = Math.max(this.#readable, next - 1);
    this.#unwritten.resolve((sequence) => sequence < next);
  }

  async #sync(current: Segment, file: StoredFile): Promise<void> {
    const { written } = current;
    await file.sync();
    current.safe = written;
    this.#mustBegin = false;
    // In pieces: after an outage it is a lot.
    for (let count = 1; this.#oldest < written.next; count++) {
      this.#forgetOldest();
      if (count % 5_000 === 0) await setImmediate();
    }
    this.#unsynced.resolve((sequence) => sequence < written.next);
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#options.onWarning("the journal is written to the disk again");
  }

  /** The old segment is on the disk before the new one has a name: only the last can be torn. */
  async #rotate(current: Segment, file: StoredFile): Promise<void> {
    await this.#sync(current, file);
    const lost = { from: current.written.next, to: this.#oldest - 1 };
    if (lost.from <= lost.to) this.#lose(lost);
    this.#segment = segment(lost.to + 1);
    await close(file);
  }

  async #addName(name: string): Promise<void> {
    const { files, segments, onWarning } = this.#options;
    if (this.#names.at(-1) !== name) this.#names.push(name);
    while (this.#names.length > segments) {
      const old = this.#names.shift() as string;
      await files.remove(old).catch((error: unknown) => onWarning(`cannot remove ${old}`, error));
    }
  }

  async #fail(cause: unknown): Promise<void> {
    const { file } = this.#segment;
    this.#segment.file = undefined;
    if (this.#error === undefined)
      this.#options.onWarning("the journal cannot be written: its events are kept in memory", cause);
    this.#error = { cause };
    this.#readable = this.#newest;
    this.#unwritten.reject(() => true, cause);
    this.#unsynced.reject(() => true, cause);
    if (file !== undefined) await close(file);
    // Last: should it come due while this work is not over, nobody would take it up.
    if (this.#closing === undefined) this.#arm(this.#options.retryMs);
  }

  #lose(lost: Gap): void {
    this.#lost.push(lost);
    this.#options.onWarning(`the journal on the disk has no events ${lost.from} to ${lost.to}`);
    const error = new StateError("the event was given up: the disk could not take it in time");
    this.#unsynced.reject((sequence) => sequence >= lost.from && sequence <= lost.to, error);
  }

  #forgetOldest(): void {
    this.#backlog -= this.#lines.get(this.#oldest)?.length ?? 0;
    this.#lines.delete(this.#oldest++);
  }
}

function segment(first: number, safe: Extent = { bytes: 0, next: first, isOurs: false }): Segment {
  return { first, file: undefined, written: safe, safe };
}

/** Nothing is lost with a failure to close: what counts has been synced. */
async function close(file: StoredFile): Promise<void> {
  await file.close().catch(() => undefined);
}
