import { type Loop, StateError, type Transport, type TransportListener } from "../event/index.ts";

/** Two transports of one loop, connected with each other in memory: what one sends the other hears in a later turn. */
export function pairInMemory(loop: Loop): [Transport, Transport] {
  const forth = new Pipe();
  const back = new Pipe();
  return [new MemoryTransport(loop, back, forth), new MemoryTransport(loop, forth, back)];
}

/** Bytes delivered in one turn before others have theirs; a single chunk may be longer. */
const share = 65_536;

/** One direction: what was sent and not heard yet. */
class Pipe {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  /** Nothing comes after `chunks`. */
  ended = false;
  /** Nobody will read any more. */
  broken = false;
  /** The reader's and the writer's: there is something to read, and everything has been read. */
  onReadable: () => void = () => {};
  onDrained: () => void = () => {};
}

/**
 * One end of a connection in memory.
 *
 *     idle -> open -> closed
 *
 * open, send, close: as Transport says. Bytes go over by reference: nobody may change them after `send`.
 * As with a socket, the other end's leaving stays unseen while this end is paused.
 */
class MemoryTransport implements Transport {
  readonly #loop: Loop;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  #listener: TransportListener | undefined;
  #state: "idle" | "open" | "closed" = "idle";
  #paused = false;
  #scheduled = false;

  constructor(loop: Loop, incoming: Pipe, outgoing: Pipe) {
    this.#loop = loop;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    incoming.onReadable = () => this.#schedule();
    outgoing.onDrained = () => this.#listener?.onDrain?.();
  }

  get backlog(): number {
    return this.#outgoing.bytes;
  }

  open(listener: TransportListener): void {
    if (this.#state !== "idle") throw new StateError(`the connection is ${this.#state}: it can be opened once`);
    this.#state = "open";
    this.#listener = listener;
    this.#schedule();
  }

  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (this.#state === "idle") throw new StateError("the connection is not open yet: open it before sending");
    if (fds.length > 0) throw new StateError("descriptors cannot be passed in memory");
    if (this.#state === "closed" || this.#outgoing.broken || bytes.length === 0) return;
    this.#outgoing.chunks.push(bytes);
    this.#outgoing.bytes += bytes.length;
    this.#outgoing.onReadable();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(cause?: Error): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#incoming.broken = true;
    this.#incoming.onReadable = this.#outgoing.onDrained = () => {};
    this.#outgoing.ended = true;
    this.#outgoing.onReadable();
    const listener = this.#listener;
    if (listener !== undefined) this.#loop.post(() => listener.onClose(cause));
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#state !== "open") return;
    if (this.#incoming.bytes === 0 && !this.#incoming.ended) return;
    this.#scheduled = this.#loop.post(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    // What was scheduled for may have been delivered already, with what came before it.
    if (this.#incoming.bytes === 0 && this.#incoming.ended && !this.#paused) return this.close();
    for (let budget = share; budget > 0 && !this.#paused && this.#state === "open"; ) {
      const bytes = this.#incoming.chunks.shift();
      if (bytes === undefined) break;
      budget -= bytes.length;
      this.#incoming.bytes -= bytes.length;
      this.#listener?.onData(bytes, []);
      if (this.#incoming.bytes === 0) this.#incoming.onDrained();
    }
    this.#schedule();
  }
}
