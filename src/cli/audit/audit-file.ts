import { closeSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
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
  #size: number;
  #isFailing = false;

  /** Throws the system's error when the file cannot be opened. */
  constructor(path: string, options: AuditFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#fd = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  readonly write = (record: AuditRecord): void => {
    if (this.#fd === undefined) return;
    const { clock = () => new Date(), limit = 16_777_216, onError } = this.#options;
    const { durationMs, ...rest } = record;
    const line = `${JSON.stringify({ time: clock().toISOString(), ...rest, durationMs: Math.round(durationMs * 10) / 10 })}\n`;
    try {
      if (this.#size > limit) this.#turnOver();
      this.#size += writeSync(this.#fd, line);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) onError(error);
      this.#isFailing = true;
    }
  };

  /** Whoever has moved the file away gets a new one. */
  reopen(): void {
    if (this.#fd === undefined) return;
    const fd = openSync(this.#path, "a", 0o600);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #turnOver(): void {
    renameSync(this.#path, `${this.#path}.1`);
    this.reopen();
  }
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
