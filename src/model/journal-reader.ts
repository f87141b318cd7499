import type { Header, StoredEvent } from "./journal-record.ts";
import { type Gap, isSegmentName, SegmentContents, segmentName } from "./journal-segment.ts";
import type { StoredFiles } from "./stored-files.ts";

/** Something that the operator should know; `cause` where there was an error. */
export type JournalWarning = (message: string, cause?: unknown) => void;

/** What there is on the disk. */
export interface JournalContents {
  /** Undefined when there is nothing. */
  readonly journal: string | undefined;
  /** Which run wrote from where on; of one run there may be several, in order. */
  readonly runs: readonly Header[];
  /** The last events, at most `keep`. */
  readonly events: readonly StoredEvent[];
  /** Numbers that are missing between events, in order. */
  readonly holes: readonly Gap[];
  /** The number of the next event. */
  readonly next: number;
  /** The segments, in order. */
  readonly names: readonly string[];
  /** Length of the last segment, and the number after its last event. */
  readonly last: { readonly bytes: number; readonly next: number } | undefined;
}

/**
 * Reads the segments and leaves them whole:
 *
 * - a torn tail (the last segment ends in what is no whole line, and nothing good follows) is cut off;
 * - of a segment damaged otherwise a copy is kept as `NAME.damaged`, and it is cut back to its good beginning;
 * - one without a header, of another journal, or with numbers already there, is renamed to `NAME.damaged`.
 *
 * All of it is told to `warn`. Rejects with Node's error.
 */
export async function readJournal(files: StoredFiles, keep: number, warn: JournalWarning): Promise<JournalContents> {
  const reader = new Reader(files, keep, warn);
  const all = await files.list();
  const names = all.filter(isSegmentName).sort();
  for (const name of names) await reader.read(name, all, name === names.at(-1));
  return reader;
}

class Reader implements JournalContents {
  readonly #files: StoredFiles;
  readonly #keep: number;
  readonly #warn: JournalWarning;
  journal: string | undefined;
  readonly runs: Header[] = [];
  events: StoredEvent[] = [];
  readonly holes: Gap[] = [];
  next = 1;
  readonly names: string[] = [];
  last: { readonly bytes: number; readonly next: number } | undefined;

  constructor(files: StoredFiles, keep: number, warn: JournalWarning) {
    this.#files = files;
    this.#keep = keep;
    this.#warn = warn;
  }

  async read(name: string, taken: readonly string[], isLast: boolean): Promise<void> {
    const file = await this.#files.open(name);
    try {
      const contents = await SegmentContents.read(file, this.#keep);
      // Made, and not written before the end came, or before its events were given up: the first line of a segment is
      // written with its first event.
      if (contents.lines === 0 && (isLast || contents.size === 0)) return await this.#remove(name, contents.size);
      const unfit = this.#unfit(name, contents);
      if (unfit !== undefined) return await this.#setAside(name, taken, unfit);
      if (contents.isDamaged) {
        if (isLast && !contents.isDamagedWithin) this.#sayTorn(name, contents);
        else await this.#keepCopy(name, taken);
        await file.truncate(contents.goodBytes);
        await file.sync();
      }
      this.#add(name, contents);
    } finally {
      await file.close();
    }
  }

  /** Why it cannot be part of this journal. */
  #unfit(name: string, { header }: SegmentContents): string | undefined {
    if (header === undefined || segmentName(header.first) !== name) return "does not begin as a segment does";
    if (this.journal !== undefined && header.journal !== this.journal) return "is of another journal";
    return header.first < this.next ? "has numbers that are there already" : undefined;
  }

  #add(name: string, contents: SegmentContents): void {
    const { journal, first } = contents.header as Header;
    if (this.journal !== undefined && first > this.next) this.#addHole({ from: this.next, to: first - 1 });
    this.journal = journal;
    for (const hole of contents.holes) this.#addHole(hole);
    this.runs.push(...contents.runs);
    this.events = [...this.events, ...contents.events].slice(-this.#keep);
    this.next = contents.next;
    this.names.push(name);
    this.last = { bytes: contents.goodBytes, next: contents.goodNext };
  }

  #addHole(hole: Gap): void {
    this.holes.push(hole);
    this.#warn(`the journal has no events ${hole.from} to ${hole.to}`);
  }

  #sayTorn(name: string, { size, goodBytes }: SegmentContents): void {
    this.#warn(`${name} ended in the middle of an event: its last ${size - goodBytes} bytes were cut off`);
  }

  async #remove(name: string, size: number): Promise<void> {
    if (size > 0) this.#warn(`${name} ended before its first event: it was removed`);
    await this.#files.remove(name);
    await this.#files.sync();
  }

  async #setAside(name: string, taken: readonly string[], unfit: string): Promise<void> {
    const aside = freeName(name, taken);
    await this.#files.rename(name, aside);
    await this.#files.sync();
    this.#warn(`${name} ${unfit}: it is kept as ${aside}`);
  }

  async #keepCopy(name: string, taken: readonly string[]): Promise<void> {
    const aside = freeName(name, taken);
    await this.#files.copy(name, aside);
    await this.#files.sync();
    this.#warn(`${name} is damaged: it is kept as ${aside}, and what is good at its beginning is used`);
  }
}

function freeName(name: string, taken: readonly string[]): string {
  let free = `${name}.damaged`;
  for (let count = 2; taken.includes(free); count++) free = `${name}.${count}.damaged`;
  return free;
}
