import { XenstoreClosedError } from "./errors.ts";
import { bodyLimit, decodeMessage, headerLength, type Message } from "./message.ts";

/** Cuts a stream of bytes into messages; an unfinished one waits for the rest. */
export class MessageSplitter {
  /** The message being put together: as much room as any has. */
  readonly #room = new Uint8Array(headerLength + bodyLimit);
  readonly #view = new DataView(this.#room.buffer);
  #length = 0;

  /** The messages that `bytes` completes; each has its own memory. Throws XenstoreClosedError when one is too long. */
  *push(bytes: Uint8Array): Generator<Message> {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + this.#missing());
      this.#room.set(part, this.#length);
      this.#length += part.length;
      from += part.length;
      if (this.#missing() > 0) continue;
      const message = decodeMessage(this.#room.slice(0, this.#length));
      this.#length = 0;
      yield message;
    }
  }

  /** Bytes to the end of the header, or, with the header there, to the end of the message. */
  #missing(): number {
    if (this.#length < headerLength) return headerLength - this.#length;
    const bodyLength = this.#view.getUint32(12, true);
    if (bodyLength > bodyLimit) throw new XenstoreClosedError(`xenstored sent a body of ${bodyLength} bytes`);
    return headerLength + bodyLength - this.#length;
  }
}
