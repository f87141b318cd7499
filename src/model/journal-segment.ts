import { type Header, parseLine, type StoredEvent } from "./journal-record.ts";
import type { StoredFile } from "./stored-files.ts";

/** Numbers from `from` to `to`, both included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Some hundred lines: looking at them takes about a millisecond. */
const chunkBytes = 64 * 1024;

export function segmentName(first: number): string {
  return `${String(first).padStart(20, "0")}.journal`;
}

export function isSegmentName(name: string): boolean {
  return /^\d{20}\.journal$/.test(name);
}

/**
 * What a segment holds. Its *good beginning* has its header and numbers without gap or repetition; what follows
 * something bad is taken in too where its checksum holds and its number is a later one.
 */
export class SegmentContents {
  readonly #keep: number;
  /** The last of its events, at least `keep` of them where there are as many. */
  events: StoredEvent[] = [];
  /** Undefined when the first line is none. */
  header: Header | undefined;
  readonly runs: Header[] = [];
  readonly holes: Gap[] = [];
  /** The number after the last there is. */
  next = 0;
  /** Of the good beginning: its length, and the number after it. */
  goodBytes = 0;
  goodNext = 0;
  lines = 0;
  size = 0;
  isDamaged = false;
  /** Something bad is followed by something good: that is not how writing ends. */
  isDamagedWithin = false;

  constructor(keep: number) {
    this.#keep = keep;
  }

  static async read(file: StoredFile, keep: number): Promise<SegmentContents> {
    const contents = new SegmentContents(keep);
    let rest: Uint8Array[] = [];
    for (;;) {
      const chunk = Buffer.from(await file.read(contents.size, chunkBytes));
      if (chunk.length === 0) break;
      contents.size += chunk.length;
      const end = chunk.lastIndexOf(10) + 1;
      if (end > 0) contents.#takeLines(Buffer.concat([...rest.splice(0), chunk.subarray(0, end)]));
      rest.push(chunk.subarray(end));
    }
    rest = rest.filter(({ length }) => length > 0);
    if (rest.length > 0) contents.isDamaged = true;
    return contents;
  }

  #position = 0;

  #takeLines(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(10, start);
      this.#position += end + 1 - start;
      this.#take(parseLine(bytes.subarray(start, end)));
      start = end + 1;
    }
    if (this.events.length > 2 * this.#keep) this.events = this.events.slice(-this.#keep);
  }

  #take(record: Header | StoredEvent | undefined): void {
    if (this.lines++ === 0) this.#takeFirst(record);
    else if (record === undefined) this.isDamaged = true;
    else this.#takeNext(record);
    if (this.isDamaged) return;
    this.goodBytes = this.#position;
    this.goodNext = this.next;
  }

  #takeFirst(record: Header | StoredEvent | undefined): void {
    if (record === undefined || !("journal" in record)) {
      this.isDamaged = true;
      return;
    }
    this.header = record;
    this.runs.push(record);
    this.next = record.first;
  }

  #takeNext(record: Header | StoredEvent): void {
    const number = "journal" in record ? record.first : record.sequence;
    if (number !== this.next) this.isDamaged = true;
    if (number < this.next) return;
    if (this.isDamaged) this.isDamagedWithin = true;
    if (number > this.next) this.holes.push({ from: this.next, to: number - 1 });
    this.next = number;
    if ("journal" in record) {
      this.runs.push(record);
    } else {
      this.events.push(record);
      this.next++;
    }
  }
}
