import { MonitorClosedError } from "./errors.ts";

declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const newline = 0x0a;

/** Cuts a stream of bytes into lines of UTF-8; what comes after the last newline waits for the rest of its line. */
export class LineSplitter {
  readonly #limit: number;
  readonly #decoder = new TextDecoder();
  #parts: Uint8Array[] = [];
  #length = 0;

  /** `limit` is the longest line, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines that `bytes` completes, empty ones left out. Throws MonitorClosedError when one is too long. */
  *push(bytes: Uint8Array): Generator<string> {
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      this.#keep(bytes.subarray(from, end));
      from = end + 1;
      const line = this.#decoder.decode(this.#take()).trim();
      if (line !== "") yield line;
    }
    // A copy, as the transport may use its buffer again; not by slice, because a Buffer's shares the memory.
    this.#keep(new Uint8Array(bytes.subarray(from)));
  }

  #keep(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#limit) {
      throw new MonitorClosedError(`the monitor sent a line of more than ${this.#limit} bytes`);
    }
    if (part.length > 0) this.#parts.push(part);
  }

  #take(): Uint8Array {
    const line = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      line.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
