import { closeSync, openSync, writeSync } from "node:fs";
import { type LogEntry, wildcardSource } from "../../daemon/index.ts";
import { journalLine, levelOf, logLine } from "./log-line.ts";
import type { LogFilter, LogLevel, LogOutput, LogSettings } from "./log-settings.ts";

export interface LoggerOptions {
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly clock?: () => number;
  /** Default: this process's. */
  readonly stderr?: (text: string) => void;
}

/** An output, and its file while it has one. */
type OpenOutput = LogOutput & { readonly fd?: number };

/**
 * Writes entries where the settings say, one line each. Files are appended to, by a write that has happened when `write`
 * returns. What a file does not take is counted, and said once it takes something again.
 *
 *     open -> closed
 *
 * write:     open; otherwise nothing. Never throws.
 * configure: open. Opens all files anew, those that are already open too; throws, and changes nothing, when one cannot be.
 * close:     open -> closed; idempotent.
 */
export class Logger implements Disposable {
  readonly #clock: () => number;
  readonly #stderr: (text: string) => void;
  #level: LogLevel;
  #filters: readonly { readonly level: LogLevel; readonly pattern: RegExp }[] = [];
  #outputs: readonly OpenOutput[];
  #lost = 0;

  /** Throws when a file cannot be opened. */
  constructor(settings: LogSettings, options: LoggerOptions = {}) {
    this.#clock = options.clock ?? Date.now;
    this.#stderr = options.stderr ?? ((text) => process.stderr.write(text));
    this.#outputs = openAll(settings.outputs);
    this.#level = settings.level;
    this.#filters = settings.filters.map(compile);
  }

  /** To be handed on by itself. */
  readonly write = (entry: LogEntry): void => {
    const level = levelOf(entry);
    if (level < this.#levelFor(entry.source)) return;
    for (const output of this.#outputs) if (level >= output.level) this.#writeTo(output, entry);
    // One line per entry: where a fault of ours happened is more entries, for those who want to see so much.
    if (entry.level !== "error" || !(entry.error instanceof Error)) return;
    const [, ...frames] = (entry.error.stack ?? "").split("\n");
    for (const frame of frames) this.write({ level: "debug", source: entry.source, message: frame.trim() });
  };

  configure(settings: LogSettings): void {
    const outputs = openAll(settings.outputs);
    closeAll(this.#outputs);
    this.#outputs = outputs;
    this.#level = settings.level;
    this.#filters = settings.filters.map(compile);
  }

  close(): void {
    closeAll(this.#outputs);
    this.#outputs = [];
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #levelFor(source: string): LogLevel {
    return this.#filters.find(({ pattern }) => pattern.test(source))?.level ?? this.#level;
  }

  #writeTo(output: OpenOutput, entry: LogEntry): void {
    if (output.kind === "journald") return this.#stderr(journalLine(entry));
    const line = logLine(entry, this.#clock(), process.pid);
    if (output.fd === undefined) return this.#stderr(line);
    try {
      if (this.#lost > 0) writeSync(output.fd, logLine(this.#lostEntry(), this.#clock(), process.pid));
      this.#lost = 0;
      writeSync(output.fd, line);
    } catch {
      // A full disk must not end the daemon.
      this.#lost++;
    }
  }

  #lostEntry(): LogEntry {
    return { level: "warn", source: "log", message: `${this.#lost} entries could not be written here and are lost` };
  }
}

/** Anywhere in the name, as libvirt's own. */
function compile({ level, match }: LogFilter): { level: LogLevel; pattern: RegExp } {
  return { level, pattern: new RegExp(wildcardSource(match)) };
}

function openAll(outputs: readonly LogOutput[]): OpenOutput[] {
  const open: OpenOutput[] = [];
  try {
    for (const output of outputs) {
      open.push(output.kind === "file" ? { ...output, fd: openSync(output.path, "a", 0o600) } : output);
    }
    return open;
  } catch (error) {
    closeAll(open);
    throw error;
  }
}

function closeAll(outputs: readonly OpenOutput[]): void {
  for (const { fd } of outputs) if (fd !== undefined) closeSync(fd);
}
