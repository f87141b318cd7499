import { ProtocolError } from "./protocol-error.ts";

declare const TextEncoder: new () => {
  encodeInto(text: string, target: Uint8Array): { written: number };
};
const encoder = new TextEncoder();
/** The longest text, in characters, for which the encoder is not tried first. */
const asciiLimit = 64;

/** A buffer for several short messages is as long as this at most. */
const sharedLength = 8_192;

/** Appends XDR (RFC 4506) to a buffer that grows. Values out of range are a ProtocolError. */
export class XdrWriter {
  #bytes: Uint8Array;
  #view: DataView;
  /** Where what is written begins: what is before it was taken. */
  #start = 0;
  #end = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** What has been written, without a copy: valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Hands over what has been written, and begins anew with room for `capacity` bytes: in the same buffer, if it has that. */
  take(capacity = 256): Uint8Array {
    const { bytes } = this;
    this.#start = this.#end;
    if (this.#bytes.length - this.#end >= capacity) return bytes;
    // Who sends much gets longer ones: to make a buffer takes longer than to fill it.
    this.#bytes = new Uint8Array(Math.max(capacity, Math.min(2 * this.#bytes.length, sharedLength)));
    this.#view = new DataView(this.#bytes.buffer);
    this.#start = this.#end = 0;
    return bytes;
  }

  int(value: number): void {
    if ((value | 0) !== value) refuse(value, -0x8000_0000, 0x7fff_ffff);
    const at = this.#reserve(4);
    this.#view.setInt32(at, value);
  }

  uint(value: number): void {
    if (value >>> 0 !== value) refuse(value, 0, 0xffff_ffff);
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  hyper(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new ProtocolError(`${value} does not fit a signed hyper`);
    const at = this.#reserve(8);
    this.#view.setBigInt64(at, value);
  }

  uhyper(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw new ProtocolError(`${value} does not fit an unsigned hyper`);
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
  }

  /** Raw bytes, padded with zeros to a multiple of 4; without a length. */
  fixedOpaque(value: Uint8Array): void {
    const at = this.#reserve(padded(value.length));
    this.#bytes.set(value, at);
  }

  /** Raw bytes as they are: what follows need not begin at a whole word. */
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** A string: length in bytes of its UTF-8, the bytes, padding. */
  string(text: string, limit: number): void {
    // One UTF-16 unit takes at most 3 bytes of UTF-8.
    const start = this.#reserve(4 + padded(3 * text.length));
    const written = this.#writeAscii(text, start + 4) ? text.length : this.#writeUtf8(text, start + 4);
    checkLimit(written, limit, "bytes of text");
    this.#view.setUint32(start, written);
    this.#end = start + 4 + padded(written);
  }

  /** Takes back what was written from `length` on. */
  truncate(length: number): void {
    const end = this.#start + length;
    this.#bytes.fill(0, end, this.#end);
    this.#end = end;
  }

  /** Replaces the word at `offset`, for a length that is known only afterwards. */
  patchUint(offset: number, value: number): void {
    this.#view.setUint32(this.#start + offset, value);
  }

  /** Names and the like: the way to the encoder and back takes longer than a few dozen characters. False when it is none. */
  #writeAscii(text: string, start: number): boolean {
    if (text.length > asciiLimit) return false;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#bytes[start + index] = code;
    }
    return true;
  }

  #writeUtf8(text: string, start: number): number {
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start));
    // An encoder may use what is behind that as it likes.
    this.#bytes.fill(0, start + written, this.#end);
    return written;
  }

  /** Room for `count` more bytes, zeros; returns where they begin. Buffer and view may be others afterwards. */
  #reserve(count: number): number {
    if (this.#end + count > this.#bytes.length) this.#grow(this.length + count);
    const at = this.#end;
    this.#end += count;
    return at;
  }

  #grow(wanted: number): void {
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    grown.set(this.bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#end -= this.#start;
    this.#start = 0;
  }
}

/** To the next multiple of 4; for any length that a word can say. */
export function padded(length: number): number {
  return length + (-length & 3);
}

export function checkLimit(length: number, limit: number, what: string): void {
  if (length > limit) throw new ProtocolError(`${length} ${what}, the limit is ${limit}`);
}

function refuse(value: number, lowest: number, highest: number): never {
  throw new ProtocolError(`${value} is not an integer from ${lowest} to ${highest}`);
}
