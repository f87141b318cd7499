import {
  decodeHeader,
  fdLimit,
  type Header,
  headerLength,
  MessageType,
  messageLengthLimit,
} from "../protocol/index.ts";
import { ProtocolError } from "../xdr/index.ts";

/** A message without its framing. */
export interface Frame {
  readonly header: Header;
  /** Arguments, result, error or event; without the count of descriptors that may stand before it. */
  readonly payload: Uint8Array;
}

/**
 * Cuts a sequence of bytes, in pieces of any size, into messages. A length out of bounds is a ProtocolError: there is no
 * way to find the next message then. Memory is taken for what has come, never for what a length announces.
 *
 * Passed descriptors add one byte each after their message, outside its length; they are cut away here.
 */
export class Framer {
  readonly #limit: number;
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are taken already. */
  #offset = 0;
  #available = 0;

  constructor(limit = messageLengthLimit) {
    this.#limit = limit;
  }

  /** Bytes that wait for the rest of their message. */
  get available(): number {
    return this.#available;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#available += bytes.length;
  }

  /** The next whole message, if it is there. Its payload is a view of what was pushed. */
  next(): Frame | undefined {
    if (this.#available < 4) return undefined;
    const length = this.#peek(0);
    if (length < headerLength || length > this.#limit) {
      throw new ProtocolError(`a message length of ${length}, it goes from ${headerLength} to ${this.#limit}`);
    }
    if (this.#available < length) return undefined;
    const type = this.#peek(16);
    if (type !== MessageType.callWithFds && type !== MessageType.replyWithFds) {
      return frameOf(this.#take(length), headerLength);
    }
    const fds = length < headerLength + 4 ? fdLimit + 1 : this.#peek(headerLength);
    if (fds > fdLimit) throw new ProtocolError(`a message with descriptors, but no count of them up to ${fdLimit}`);
    if (this.#available < length + fds) return undefined;
    const message = this.#take(length);
    this.#take(fds);
    return frameOf(message, headerLength + 4);
  }

  /** The word at `offset`, which is there. */
  #peek(offset: number): number {
    let word = 0;
    for (let index = offset; index < offset + 4; index++) word = word * 256 + this.#byte(index);
    return word;
  }

  #byte(index: number): number {
    let at = index + this.#offset;
    for (const chunk of this.#chunks) {
      if (at < chunk.length) return chunk[at] as number;
      at -= chunk.length;
    }
    throw new RangeError(`byte ${index} has not come`);
  }

  /** Takes `count` bytes, which are there: a view when one chunk has them all, else a copy. */
  #take(count: number): Uint8Array {
    this.#available -= count;
    const first = this.#chunks[0] ?? new Uint8Array();
    if (first.length - this.#offset >= count) {
      const start = this.#offset;
      this.#skip(first, count);
      return first.subarray(start, start + count);
    }
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      const chunk = this.#chunks[0] as Uint8Array;
      const part = chunk.subarray(this.#offset, this.#offset + count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#skip(chunk, part.length);
    }
    return bytes;
  }

  #skip(first: Uint8Array, count: number): void {
    this.#offset += count;
    if (this.#offset < first.length) return;
    this.#chunks.shift();
    this.#offset = 0;
  }
}

function frameOf(message: Uint8Array, payloadStart: number): Frame {
  return { header: decodeHeader(message), payload: message.subarray(payloadStart) };
}
