import { takeFirst } from "../event/index.ts";
import { decodeHeader, fdLimit, type Header, headerLength, messageLengthLimit, passesFds } from "../protocol/index.ts";
import { ProtocolError, uintAt } from "../xdr/index.ts";

/** A message without its framing. */
export interface Frame {
  readonly header: Header;
  /** Arguments, result, error, event or data; without the count of descriptors that may stand before it. */
  readonly payload: Uint8Array;
  /** Descriptors passed with it, now the receiver's. Fewer than announced where the transport cannot pass any. */
  readonly fds: readonly number[];
}

export interface FramerOptions {
  /** Longest message, in bytes. */
  readonly limit?: number;
  /** Takes descriptors that belong to no message; they must be closed. */
  readonly refuseFds?: (fds: readonly number[]) => void;
}

interface Chunk {
  readonly bytes: Uint8Array;
  /** Came with the last byte. */
  readonly fds: readonly number[];
}

const none: readonly number[] = [];

/**
 * Cuts a sequence of bytes, in pieces of any size, into messages. A length out of bounds is a ProtocolError: there is no
 * way to find the next message then. Memory is taken for what has come, never for what a length announces.
 *
 * Passed descriptors come with one byte each after their message, outside its length. A descriptor that comes with
 * another byte belongs to nobody.
 *
 * push, next: open. close: what waits is dropped, its descriptors refused; idempotent.
 */
export class Framer {
  #limit: number;
  readonly #refuseFds: (fds: readonly number[]) => void;
  #chunks: Chunk[] = [];
  /** Bytes of the first chunk that are taken already. */
  #offset = 0;
  #available = 0;
  /** Descriptors in `#chunks`. */
  #waitingFds = 0;
  /** Those of the chunks that were taken to their end. */
  #takenFds: number[] = [];

  constructor({ limit = messageLengthLimit, refuseFds = () => {} }: FramerOptions = {}) {
    this.#limit = limit;
    this.#refuseFds = refuseFds;
  }

  /** The longest message from here on, in bytes. */
  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /** Bytes that wait for the rest of their message. */
  get available(): number {
    return this.#available;
  }

  /** ProtocolError when more descriptors wait than one message can have. */
  push(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (bytes.length === 0) return;
    this.#chunks.push({ bytes, fds });
    this.#available += bytes.length;
    this.#waitingFds += fds.length;
    if (this.#waitingFds > fdLimit) throw new ProtocolError(`more than ${fdLimit} descriptors before their message`);
  }

  /** The next whole message, if it is there. Its payload is a view of what was pushed. */
  next(): Frame | undefined {
    if (this.#available < 4) return undefined;
    const length = this.#peek(0);
    if (length < headerLength || length > this.#limit) {
      throw new ProtocolError(`a message length of ${length}, it goes from ${headerLength} to ${this.#limit}`);
    }
    if (this.#available < length) return undefined;
    if (!passesFds({ type: this.#peek(16) })) return this.#frame(length, headerLength, 0);
    const fds = length < headerLength + 4 ? fdLimit + 1 : this.#peek(headerLength);
    if (fds > fdLimit) throw new ProtocolError(`a message with descriptors, but no count of them up to ${fdLimit}`);
    if (this.#available < length + fds) return undefined;
    return this.#frame(length, headerLength + 4, fds);
  }

  close(): void {
    for (const { fds } of this.#chunks) this.#takenFds.push(...fds);
    this.#chunks = [];
    this.#offset = this.#available = this.#waitingFds = 0;
    this.#refuseTaken();
  }

  #frame(length: number, payloadStart: number, fdCount: number): Frame {
    const message = this.#take(length);
    this.#refuseTaken();
    const fds = fdCount === 0 ? none : this.#takeFds(fdCount);
    return { header: decodeHeader(message), payload: message.subarray(payloadStart), fds };
  }

  /** The bytes that stand for them are there; whether descriptors came with them depends on the transport. */
  #takeFds(count: number): readonly number[] {
    this.#take(count);
    const fds = this.#takenFds.splice(0, count);
    this.#refuseTaken();
    return fds;
  }

  #refuseTaken(): void {
    if (this.#takenFds.length > 0) this.#refuseFds(this.#takenFds.splice(0));
  }

  /** The word at `offset`, which is there. */
  #peek(offset: number): number {
    const { bytes } = this.#chunks[0] as Chunk;
    const at = this.#offset + offset;
    if (at + 4 <= bytes.length) return uintAt(bytes, at);
    let word = 0;
    for (let index = offset; index < offset + 4; index++) word = word * 256 + this.#byte(index);
    return word;
  }

  #byte(index: number): number {
    let at = index + this.#offset;
    for (const { bytes } of this.#chunks) {
      if (at < bytes.length) return bytes[at] as number;
      at -= bytes.length;
    }
    throw new RangeError(`byte ${index} has not come`);
  }

  /** Takes `count` bytes, which are there: a view when one chunk has them all, else a copy. */
  #take(count: number): Uint8Array {
    this.#available -= count;
    const first = this.#chunks[0] as Chunk;
    if (first.bytes.length - this.#offset >= count) {
      const start = this.#offset;
      this.#skip(first, count);
      return first.bytes.subarray(start, start + count);
    }
    const taken = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      const chunk = this.#chunks[0] as Chunk;
      const part = chunk.bytes.subarray(this.#offset, this.#offset + count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#skip(chunk, part.length);
    }
    return taken;
  }

  #skip(first: Chunk, count: number): void {
    this.#offset += count;
    if (this.#offset < first.bytes.length) return;
    takeFirst(this.#chunks);
    this.#offset = 0;
    this.#waitingFds -= first.fds.length;
    if (first.fds.length > 0) this.#takenFds.push(...first.fds);
  }
}
