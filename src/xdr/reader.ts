import { ProtocolError } from "./protocol-error.ts";
import { checkLimit, padded } from "./writer.ts";

declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Takes XDR (RFC 4506) from bytes. Whatever the bytes are, a method returns a value or throws ProtocolError, and memory
 * is taken only for what is really there. Padding is skipped, not checked: senders leave garbage in it.
 */
export class XdrReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not taken yet. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  int(): number {
    return this.#view.getInt32(this.#take(4));
  }

  uint(): number {
    return this.#view.getUint32(this.#take(4));
  }

  hyper(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  uhyper(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
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
    const bytes = this.fixedOpaque(length);
    try {
      return decoder.decode(bytes);
    } catch {
      throw new ProtocolError(`text at byte ${bytes.byteOffset - this.#bytes.byteOffset} is not UTF-8`);
    }
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
