import { ProtocolError } from "./protocol-error.ts";
import { checkLimit, padded } from "./writer.ts";

declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** The longest text, in bytes, for which the decoder is not tried first. */
const asciiLimit = 24;
const long = new Uint8Array(8);
const longView = new DataView(long.buffer);

/**
 * Takes XDR (RFC 4506) from bytes. Whatever the bytes are, a method returns a value or throws ProtocolError, and memory
 * is taken only for what is really there. Padding is skipped, not checked: senders leave garbage in it.
 */
export class XdrReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes not taken yet. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  int(): number {
    return uintAt(this.#bytes, this.#take(4)) | 0;
  }

  uint(): number {
    return uintAt(this.#bytes, this.#take(4));
  }

  hyper(): bigint {
    return this.#takeLong().getBigInt64(0);
  }

  uhyper(): bigint {
    return this.#takeLong().getBigUint64(0);
  }

  double(): number {
    return this.#takeLong().getFloat64(0);
  }

  /** `length` raw bytes and their padding; a view of the input, not a copy. */
  fixedOpaque(length: number): Uint8Array {
    const start = this.#take(padded(length));
    return this.#bytes.subarray(start, start + length);
  }

  /** All that is left, as it is; a view of the input. */
  rest(): Uint8Array {
    const start = this.#take(this.left);
    return this.#bytes.subarray(start);
  }

  string(limit: number): string {
    const length = this.uint();
    checkLimit(length, limit, "bytes of text");
    const name = length <= asciiLimit ? this.#ascii(length) : undefined;
    if (name !== undefined) return name;
    const bytes = this.fixedOpaque(length);
    try {
      return decoder.decode(bytes);
    } catch {
      throw new ProtocolError(`text at byte ${bytes.byteOffset - this.#bytes.byteOffset} is not UTF-8`);
    }
  }

  /** Names and the like: the way to the decoder and back takes longer than a few characters. Undefined when it is none. */
  #ascii(length: number): string | undefined {
    const start = this.#offset;
    if (length > this.left) return undefined;
    const codes: number[] = [];
    for (let at = start; at < start + length; at++) {
      const code = this.#bytes[at] as number;
      if (code > 0x7f) return undefined;
      codes.push(code);
    }
    this.#take(padded(length));
    return String.fromCharCode(...codes);
  }

  /** The long word that is next. A view of a message takes longer to make than a few bytes to copy. */
  #takeLong(): DataView {
    const start = this.#take(8);
    for (let index = 0; index < 8; index++) long[index] = this.#bytes[start + index] as number;
    return longView;
  }

  #take(count: number): number {
    const start = this.#offset;
    if (count > this.#bytes.length - start) {
      throw new ProtocolError(`truncated: ${count} bytes wanted at byte ${start}, ${this.left} left`);
    }
    this.#offset = start + count;
    return start;
  }
}

/** The unsigned word at `offset`, which is there. */
export function uintAt(bytes: Uint8Array, offset: number): number {
  const high = ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
  const low = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number);
  return high * 0x1_0000 + low;
}
