/** What one line holds at most; what is typed beyond it is dropped. */
const longest = 4_096;
const backspace = Buffer.from("\b \b");
const lineEnd = Buffer.from("\r\n");

/**
 * The guest's end of a console: it asks for a login, shows what is typed, and says each line again. Nobody ever logs in.
 */
export class Terminal {
  readonly #prompt: Buffer;
  #line: number[] = [];

  constructor(name: string) {
    this.#prompt = Buffer.from(`${name} login: `);
  }

  /** What stands on it when somebody looks. */
  get banner(): Uint8Array {
    return Buffer.concat([lineEnd, this.#prompt]);
  }

  /** What appears when this is typed. */
  type(bytes: Uint8Array): Uint8Array {
    const shown: Uint8Array[] = [];
    for (const byte of bytes) {
      if (byte === 0x0d || byte === 0x0a) shown.push(this.#enter());
      else if (byte === 0x7f || byte === 0x08) {
        if (this.#line.pop() !== undefined) shown.push(backspace);
      } else if (byte >= 0x20 && this.#line.length < longest) {
        this.#line.push(byte);
        shown.push(Uint8Array.of(byte));
      }
    }
    return Buffer.concat(shown);
  }

  #enter(): Uint8Array {
    const line = Buffer.from(this.#line);
    this.#line = [];
    return Buffer.concat(line.length === 0 ? [lineEnd, this.#prompt] : [lineEnd, line, lineEnd, this.#prompt]);
  }
}
