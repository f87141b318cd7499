import { type Loop, OverflowError, type Transport, takeFirst } from "../event/index.ts";
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
  /** The transport has more than the peer takes; until it is drained this may come again. */
  readonly onStalled: () => void;
}

/** What is collected goes out when it is as long as this, without waiting for more. */
const portion = 65_536;
/** What many are sent is copied for each of them if it is shorter: a piece costs a system call and some objects. */
const worthSharing = 8_192;
/** Of what waits, so much goes out in one turn: a peer that reads as fast as this is written keeps nobody else waiting. */
const turnShare = 1_048_576;

/**
 * Messages on their way out, in order. A message goes out at once when nothing has gone before it in this turn; what
 * follows in the same turn, or while the peer is slow to read, is collected in one buffer: a burst costs one system
 * call, and a message that waits costs its bytes and no object. What is collected while the peer is slow stays here.
 *
 *     open -> closed
 *
 * add, addWithFds: open; otherwise nothing. ProtocolError, and nothing is sent, when the value does not fit its type.
 * addEncoded, addPieces: open; otherwise nothing.
 * hold, release:   between them everything is collected.
 * drained:         the transport has got rid of all it had.
 * close:           open -> closed; hands over what was collected. Idempotent.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** What comes before `#collected`, and its length. */
  #queue: Uint8Array[] = [];
  #queued = 0;
  readonly #collected = new XdrWriter();
  /** The longest message since nothing waited. */
  #longest = 0;
  #held = false;
  /** Bytes that the transport was given, ever. */
  #given = 0;
  /** The turn in which something has gone out. */
  #sentIn = -1;
  /** The next turn will look at what waits. */
  #posted = false;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Bytes that wait for the peer. */
  get pending(): number {
    return this.#queued + this.#collected.length + this.#options.transport.backlog;
  }

  /** Bytes that the peer has taken, ever. */
  get taken(): number {
    return this.#given - this.#options.transport.backlog;
  }

  add<T>(header: Header, codec: Codec<T>, value: T): void {
    if (this.#closed || !this.#makeRoom()) return;
    this.#append(header, codec, value, 0);
    this.#sendOrWait();
  }

  /** A whole message in two parts. `head` stays the caller's; `rest` may be shared, and does not change any more. */
  addEncoded(head: Uint8Array, rest: Uint8Array): void {
    if (this.#closed || !this.#makeRoom()) return;
    this.#longest = Math.max(this.#longest, head.length + rest.length);
    this.#collected.raw(head);
    if (rest.length < worthSharing) this.#collected.raw(rest);
    else {
      this.#seal();
      this.#enqueue(rest);
    }
    this.#sendOrWait();
  }

  /** A whole message that was encoded before, in pieces. They are the outbox's from here on. */
  addPieces(pieces: readonly Uint8Array[]): void {
    if (this.#closed || !this.#makeRoom()) return;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#longest = Math.max(this.#longest, length);
    if (length < portion) for (const piece of pieces) this.#collected.raw(piece);
    else {
      this.#seal();
      for (const piece of pieces) this.#enqueue(piece);
    }
    this.#sendOrWait();
  }

  /** `fds` stay the caller's. After their message each goes with a byte of its own, outside the message's length. */
  addWithFds<T>(header: Header, codec: Codec<T>, value: T, fds: readonly number[]): void {
    if (this.#closed || !this.#makeRoom()) return;
    this.#append(header, codec, value, fds.length);
    this.#handOver();
    for (const fd of fds) this.#send(new Uint8Array(1), [fd]);
    if (this.#options.transport.backlog > 0) this.#options.onStalled();
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (this.#queued + this.#collected.length === 0 || this.#mustWait()) return;
    if (this.#hasSent()) this.#postpone();
    else this.#flush();
  }

  drained(): void {
    if (!this.#held) this.#flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#handOver();
    this.#closed = true;
  }

  #append<T>(header: Header, codec: Codec<T>, value: T, fds: number): void {
    const before = this.#collected.length;
    appendMessage(this.#collected, header, codec, value, fds);
    this.#longest = Math.max(this.#longest, this.#collected.length - before);
  }

  /** False when the peer has left too much unread. */
  #makeRoom(): boolean {
    const { limit, onOverflow } = this.#options;
    if (this.pending === 0) this.#longest = 0;
    if (this.pending <= this.#longest + limit) return true;
    // What is only collected is no fault of the peer's.
    this.#flush(Infinity);
    if (this.pending <= this.#longest + limit) return true;
    onOverflow(new OverflowError(`the peer does not read: ${this.pending} bytes wait for it`));
    return false;
  }

  #sendOrWait(): void {
    if (this.#queued + this.#collected.length >= portion) this.#flush();
    else if (this.#mustWait()) return;
    else if (this.#hasSent()) this.#postpone();
    else {
      this.#sentIn = this.#options.loop.turns;
      this.#flush();
    }
  }

  /** In this turn, or since. */
  #hasSent(): boolean {
    return this.#sentIn === this.#options.loop.turns;
  }

  /** Whoever holds it, or the transport, will say when. */
  #mustWait(): boolean {
    return this.#held || this.#options.transport.backlog > 0;
  }

  #postpone(): void {
    if (!this.#posted) this.#posted = this.#options.loop.post(() => this.#rest());
  }

  /** Sends while the peer keeps up; the rest of what has its share in this turn follows in the next. */
  #flush(share = turnShare): void {
    const { transport } = this.#options;
    for (let sent = 0; transport.backlog === 0; ) {
      if (this.#queued + this.#collected.length === 0) return;
      if (sent >= share) return this.#postpone();
      sent += this.#sendNext();
    }
    this.#options.onStalled();
    // A longer buffer would have to be copied as it grows.
    if (this.#collected.length >= portion) this.#seal();
  }

  /** Everything, even if it is the transport then where it waits. */
  #handOver(): void {
    while (this.#queued + this.#collected.length > 0) this.#sendNext();
  }

  /** There is something. The transport may keep what it is given, so the next message goes into a new buffer. */
  #sendNext(): number {
    const piece = takeFirst(this.#queue);
    if (piece !== undefined) this.#queued -= piece.length;
    const bytes = piece ?? this.#collected.take();
    this.#send(bytes);
    return bytes.length;
  }

  #send(bytes: Uint8Array, fds?: readonly number[]): void {
    this.#given += bytes.length;
    this.#options.transport.send(bytes, fds);
  }

  /** What comes next goes behind it, in a buffer of its own. */
  #seal(): void {
    if (this.#collected.length > 0) this.#enqueue(this.#collected.take());
  }

  #enqueue(piece: Uint8Array): void {
    this.#queue.push(piece);
    this.#queued += piece.length;
  }

  /** The next turn. */
  #rest(): void {
    this.#posted = false;
    if (this.#mustWait()) return;
    // Even if a later message has taken the rest along: nobody was told that there is room.
    this.#flush();
    this.#options.onFlushed();
  }
}
