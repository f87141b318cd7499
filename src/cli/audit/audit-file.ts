import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import type { AuditRecord } from "../../daemon/index.ts";

/** A line of the file: a record, and when it was written. */
export interface DatedRecord extends AuditRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
}

export interface AuditFileOptions {
  /** In bytes. A file that is larger becomes FILE.1, in place of the one before. Default 16 MiB. */
  readonly limit?: number;
  /** Default: now. */
  readonly clock?: () => Date;
  /** Once for each time that the file takes nothing: it must not keep the daemon from its work. */
  readonly onError: (error: unknown) => void;
}

/**
 * Records of changing calls, one line of JSON each, in the order of their ends. A record is in the file when `write`
 * returns.
 *
 *     open -> closed
 *
 * write: open; otherwise nothing. Never throws.
 */
export class AuditFile implements Disposable {
  readonly #path: string;
  readonly #options: AuditFileOptions;
  #fd: number | undefined;
  #size = 0;
  /** The last line has no end: the disk was full, or the daemon was killed. */
  #isTorn = false;
  #isFailing = false;

  /** Throws the system's error when the file cannot be opened. */
  constructor(path: string, options: AuditFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#goOnIn(openSync(path, "a+", 0o600));
  }

  readonly write = (record: AuditRecord): void => {
    if (this.#fd === undefined) return;
    const { clock = () => new Date(), limit = 16_777_216, onError } = this.#options;
    const { durationMs, ...rest } = record;
    const line = `${JSON.stringify({ time: clock().toISOString(), ...rest, durationMs: Math.round(durationMs * 10) / 10 })}\n`;
    let failure: unknown;
    for (const act of [() => this.#size > limit && this.#turnOver(), () => this.#append(line)])
      try {
        act();
      } catch (error) {
        failure ??= error;
      }
    if (failure !== undefined && !this.#isFailing) onError(failure);
    this.#isFailing = failure !== undefined;
  };

  /** Whoever has moved the file away gets a new one. */
  reopen(): void {
    if (this.#fd === undefined) return;
    this.#goOnIn(openSync(this.#path, "a+", 0o600));
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** What is written next begins a line of its own, whatever stands before it. */
  #append(line: string): void {
    if (this.#fd === undefined) return;
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    const written = writeSync(this.#fd, bytes);
    this.#size += written;
    this.#isTorn = written < bytes.length;
    if (this.#isTorn) throw new Error(`${this.#path} took ${written} of ${bytes.length} bytes`);
  }

  /** The new file is there before the old one is given up: where that fails, the old one goes on. */
  #turnOver(): void {
    const next = `${this.#path}.new`;
    const fd = openSync(next, "a+", 0o600);
    try {
      renameSync(this.#path, `${this.#path}.1`);
      renameSync(next, this.#path);
    } catch (error) {
      closeSync(fd);
      rmSync(next, { force: true });
      throw error;
    }
    this.#goOnIn(fd);
  }

  #goOnIn(fd: number): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
    this.#isTorn = endsTorn(fd, this.#size);
  }
}

function endsTorn(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}

/** All that is kept, the oldest first. Lines that are none of ours, as one that a crash has cut, are left out. */
export function readAudit(path: string): DatedRecord[] {
  return [`${path}.1`, path].flatMap((file) => linesOf(file).flatMap(recordOf));
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function recordOf(line: string): DatedRecord[] {
  try {
    const record = JSON.parse(line) as Partial<DatedRecord>;
    return typeof record.time === "string" && typeof record.call === "string" ? [record as DatedRecord] : [];
  } catch {
    return [];
  }
}
