import type { JsonObject } from "./message.ts";

/** One line of what was said on a monitor. */
export interface TranscriptEntry {
  /** On the loop's clock. */
  readonly atMs: number;
  readonly from: "us" | "QEMU";
  /** JSON, shortened, and without what is secret. */
  readonly text: string;
}

export interface TranscriptOptions {
  /** Lines kept. Default 256. */
  readonly entries?: number;
  /** Longest line kept, in characters. Default 1,000. */
  readonly longest?: number;
}

/** Names of arguments, of whatever command, that no log may show. */
const secret = /^(password|passwd|secret|key|data|buf-b64|input-data|private-key|keys)$/i;
/** Commands that are secret from end to end: the first word after which nothing is shown. */
const secretCommands: ReadonlySet<string> = new Set(["human-monitor-command"]);

/** The flight recorder of a monitor: the last lines, for whoever wants to know what led to its end. */
export class Transcript {
  readonly #limit: number;
  readonly #longest: number;
  readonly #ring: TranscriptEntry[] = [];
  #next = 0;

  constructor({ entries = 256, longest = 1_000 }: TranscriptOptions = {}) {
    this.#limit = entries;
    this.#longest = longest;
  }

  /** The oldest first. */
  get entries(): readonly TranscriptEntry[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
  }

  add(atMs: number, from: TranscriptEntry["from"], message: JsonObject): void {
    const whole = JSON.stringify(message, redactor(message));
    const text =
      whole.length <= this.#longest ? whole : `${whole.slice(0, this.#longest)}... (${whole.length} characters)`;
    if (this.#ring.length < this.#limit) this.#ring.push({ atMs, from, text });
    else {
      this.#ring[this.#next] = { atMs, from, text };
      this.#next = (this.#next + 1) % this.#limit;
    }
  }

  /** For a log: `12.345 > {"execute":...}`, in seconds of the loop's clock. */
  toString(): string {
    const line = ({ atMs, from, text }: TranscriptEntry): string =>
      `${(atMs / 1_000).toFixed(3)} ${from === "us" ? ">" : "<"} ${text}`;
    return this.entries.map(line).join("\n");
  }
}

function redactor(message: JsonObject): (name: string, value: unknown) => unknown {
  const isSecret = secretCommands.has(String(message["execute"]));
  return (name, value) => {
    if (isSecret && name === "command-line") return hidden(value);
    return secret.test(name) && typeof value === "string" ? hidden(value) : value;
  };
}

function hidden(value: unknown): string {
  return `(${String(value).length} characters hidden)`;
}
