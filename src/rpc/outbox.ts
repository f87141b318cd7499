import { type Loop, OverflowError, type Transport } from "../event/index.ts";
import { appendMessage, type Header } from "../protocol/index.ts";
import { type Codec, XdrWriter } from "../xdr/index.ts";

export interface OutboxOptions {
  readonly loop: Loop;
  readonly transport: Transport;
  /** Bytes that may wait for the peer to read them, beside one message of any length. */
  readonly limit: number;
  /** More wait, because the peer does not read. */
  readonly onOverflow: (error: OverflowError) => void;
  /** What was collected in the turn before has gone to the transport. */
  readonly onFlushed: () => void;
}

/** What is collected goes out when it is as long as this, without waiting for more. */
const portion = 65_536;

/**
 * Messages on their way out, in order. A message goes out at once when nothing has gone before it in this turn; what
 * follows in the same turn, or while the peer is slow to read, is collected in one buffer: a burst costs one system
 * call, and a message that waits costs its bytes and no object.
 *
 *     open -> closed
 *
 * add, addEncoded, addWithFds: open; otherwise nothing. ProtocolError, and nothing is sent, when the value does not fit its type.
 * hold, release:   between them everything is collected.
 * drained:         the transport has got rid of all it had.
 * close:           open -> closed; hands over what was collected. Idempotent.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #collected = new XdrWriter();
  /** The longest message since nothing waited. */
  #longest = 0;
  #held = false;
  /** Something has gone out in this turn. */
  #busy = false;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Bytes that wait for the peer. */
  get pending(): number {
    return this.#collected.length + this.#options.transport.backlog;
  }

  add<T>(header: Header, codec: Codec<T>, value: T): void {
    if (this.#closed || !this.#makeRoom()) return;
    this.#append(header, codec, value, 0);
    this.#sendOrWait();
  }

  /** A whole message; the bytes stay the caller's. */
  addEncoded(message: Uint8Array): void {
    if (this.#closed || !this.#makeRoom()) return;
    this.#collected.fixedOpaque(message);
    this.#longest = Math.max(this.#longest, message.length);
    this.#sendOrWait();
  }

  #sendOrWait(): void {
    if (this.#collected.length >= portion) this.#flush();
    else if (!this.#mayWait()) {
      this.#flush();
      this.#busy = this.#options.loop.post(() => this.#rest());
    }
  }

  /** `fds` stay the caller's. After their message each goes with a byte of its own, outside the message's length. */
  addWithFds<T>(header: Header, codec: Codec<T>, value: T, fds: readonly number[]): void {
    if (this.#closed || !this.#makeRoom()) return;
    this.#append(header, codec, value, fds.length);
    this.#flush();
    for (const fd of fds) this.#options.transport.send(new Uint8Array(1), [fd]);
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (!this.#mayWait()) this.#flush();
  }

  drained(): void {
    if (!this.#held) this.#flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
  }

  #append<T>(header: Header, codec: Codec<T>, value: T, fds: number): void {
    const before = this.#collected.length;
    appendMessage(this.#collected, header, codec, value, fds);
    this.#longest = Math.max(this.#longest, this.#collected.length - before);
  }

  /** False when the peer has left too much unread. */
  #makeRoom(): boolean {
    const { transport, limit, onOverflow } = this.#options;
    if (this.pending === 0) this.#longest = 0;
    if (this.pending <= this.#longest + limit) return true;
    // What is only collected is no fault of the peer's.
    this.#flush();
    if (transport.backlog <= this.#longest + limit) return true;
    onOverflow(new OverflowError(`the peer does not read: ${transport.backlog} bytes wait for it`));
    return false;
  }

  #mayWait(): boolean {
    return this.#held || this.#busy || this.#options.transport.backlog > 0;
  }

  /** The transport may keep what it is given, so the next message goes into a new buffer. */
  #flush(): void {
    if (this.#collected.length === 0) return;
    const { bytes } = this.#collected;
    this.#collected = new XdrWriter();
    this.#options.transport.send(bytes);
  }

  /** The next turn. */
  #rest(): void {
    this.#busy = false;
    if (this.#mayWait() || this.#collected.length === 0) return;
    this.#flush();
    this.#options.onFlushed();
  }
}
