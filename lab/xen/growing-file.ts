import { closeSync, existsSync, openSync, readSync } from "node:fs";

/** Reads what another process appends to a file, which may not be there yet. */
export class GrowingFile {
  readonly #path: string;
  readonly #onText: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #position = 0;
  #text = "";

  constructor(path: string, onText: (text: string) => void) {
    this.#path = path;
    this.#onText = onText;
  }

  /** All that has been read so far. */
  get text(): string {
    return this.#text;
  }

  /** Reads what has come since the last time. */
  read(): void {
    if (!existsSync(this.#path)) return;
    const file = openSync(this.#path, "r");
    try {
      const buffer = Buffer.alloc(65_536);
      for (let length; (length = readSync(file, buffer, 0, buffer.length, this.#position)) > 0; ) {
        this.#position += length;
        const text = this.#decoder.decode(buffer.subarray(0, length), { stream: true });
        this.#text += text;
        this.#onText(text);
      }
    } finally {
      closeSync(file);
    }
  }
}
