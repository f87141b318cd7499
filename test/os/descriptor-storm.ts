import { type Loop, type Readiness, Ready, type Watch } from "../../src/event/index.ts";
import * as libc from "../../src/os/libc.ts";
import { pairSockets } from "../../src/os/socket.ts";
import { openEvent } from "./descriptors.ts";

/** What a seed decides; mulberry32. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** An open file that answers with its own identity, and the watches on it. */
interface Channel {
  readonly identity: number;
  readonly fd: number;
  /** The other end of a socket pair; -1 for an eventfd. */
  readonly peer: number;
  /** Where the file can still be read after `fd` was closed; -1 when nowhere. */
  duplicate: number;
  readonly watches: Set<Watch>;
  /** Something was sent and not yet read. */
  pending: boolean;
  /** The turn in which it was last read, and the one in which its number was closed. */
  readTurn: number;
  closeTurn: number;
}

/**
 * Registers, removes, closes and reopens descriptors, in every order, from outside and from inside callbacks, while
 * readiness is pending. Whatever reaches a watch that it was not meant for is a line in `failures`.
 */
export class DescriptorStorm {
  readonly failures: string[] = [];
  cycles = 0;
  calls = 0;
  /** Descriptors that came back as the number of one closed before. */
  reused = 0;
  registered = 0;
  released = 0;
  readonly #loop: Loop;
  readonly #random: (limit: number) => number;
  readonly #numbers = new Set<number>();
  readonly #live: Channel[] = [];
  /** Closed, and their watches not yet removed. */
  #leftovers: Channel[] = [];
  /** Async callbacks under way. */
  readonly #waiting: (() => void)[] = [];
  #identity = 0;
  #turn = 0;

  constructor(loop: Loop, seed: number, channels: number) {
    this.#loop = loop;
    this.#random = generator(seed);
    for (let count = 0; count < channels; count++) this.#live.push(this.#open());
  }

  /** To be posted once for each turn: posts come first in a turn, so this counts the turns as the watches see them. */
  beat(cycles: number): void {
    this.#turn++;
    for (let count = 0; count < cycles; count++) this.#cycle();
  }

  /** One channel goes and another, most often of the same number, takes its place. */
  #cycle(): void {
    this.cycles++;
    const index = this.#random(this.#live.length);
    const old = this.#live[index] as Channel;
    if (this.#random(3) > 0) this.#send(old);
    const order = this.#random(4);
    if (order === 0) removeAll(old);
    if (order === 3) old.duplicate = libc.duplicate(old.fd);
    this.#close(old);
    if (order === 1) removeAll(old);
    const fresh = this.#open();
    if (this.#random(2) > 0) this.#send(fresh);
    this.#live[index] = fresh;
    this.#leftovers.push(old);
    // What is written to a duplicate makes an entry ready that no number leads to.
    if (old.duplicate >= 0) this.#send(old);
    while (this.#leftovers.length > this.#random(8)) this.#clear(this.#leftovers.shift() as Channel);
    while (this.#waiting.length > 6) this.#waiting.shift()?.();
  }

  /** Closes and removes all there is; the loop has the rest of the work to do. */
  end(): void {
    for (const channel of this.#live) this.#close(channel);
    for (const channel of [...this.#live, ...this.#leftovers]) this.#clear(channel);
    for (const settle of this.#waiting) settle();
  }

  #open(): Channel {
    const [fd, peer] = this.#random(2) > 0 ? pairSockets() : [openEvent(), -1];
    if (this.#numbers.has(fd)) this.reused++;
    this.#numbers.add(fd);
    const identity = ++this.#identity;
    const unread = { duplicate: -1, pending: false, readTurn: -1, closeTurn: Infinity };
    const channel: Channel = { identity, fd, peer, ...unread, watches: new Set() };
    const count = 1 + this.#random(3);
    for (let watch = 0; watch < count; watch++) this.#watch(channel);
    return channel;
  }

  #watch(channel: Channel): void {
    const interest = [Ready.readable, Ready.readable, Ready.readable | Ready.writable, Ready.none][
      this.#random(4)
    ] as number;
    const isAsync = this.#random(8) === 0;
    const onReady = (ready: Readiness, watch: Watch): unknown => {
      this.#check(channel, watch, ready);
      this.#disturb(channel, watch);
      return isAsync ? new Promise<void>((resolve) => this.#waiting.push(resolve)) : undefined;
    };
    this.registered++;
    const watch = this.#loop.watch(channel.fd, interest, onReady, { release: () => this.released++ });
    channel.watches.add(watch);
  }

  /** Was this call meant for this watch? */
  #check(channel: Channel, watch: Watch, ready: Readiness): void {
    this.calls++;
    if (watch.state !== "active") this.#fail(channel, "called after its removal");
    if ((ready & ~(watch.interest | Ready.error | Ready.hangup)) !== 0) this.#fail(channel, `given ${ready} unasked`);
    // A watch not removed in time may still get what was polled before its number was closed, in that turn only.
    const isClosed = this.#turn > channel.closeTurn && channel.duplicate < 0;
    if (isClosed) this.#fail(channel, "called for a file that is closed");
    if ((ready & Ready.readable) === 0) return;
    if (!channel.pending && channel.readTurn !== this.#turn) this.#fail(channel, "readable, but nothing was sent");
    const source = channel.closeTurn < Infinity ? channel.duplicate : channel.fd;
    if (source >= 0) this.#read(channel, source);
  }

  #read(channel: Channel, fd: number): void {
    const bytes = new Uint32Array(2);
    if (libc.read(fd, bytes, 8) !== 8) return;
    channel.pending = false;
    channel.readTurn = this.#turn;
    if (bytes[0] !== channel.identity) this.#fail(channel, `got the bytes of ${bytes[0]}`);
  }

  #send(channel: Channel): void {
    if (channel.pending) return;
    channel.pending = true;
    const fd = channel.peer >= 0 ? channel.peer : channel.closeTurn < Infinity ? channel.duplicate : channel.fd;
    libc.write(fd, new Uint32Array([channel.identity, 0]), 8);
  }

  /** From inside a callback: ends itself, a sibling or a stranger, changes its mind, or starts a whole cycle. */
  #disturb(channel: Channel, watch: Watch): void {
    const stranger = this.#live[this.#random(this.#live.length)] as Channel;
    switch (this.#random(8)) {
      case 0:
        return remove(channel, watch);
      case 1:
        return removeAll(channel);
      case 2:
        return removeAll(stranger);
      case 3:
        return watch.modify(this.#random(2) > 0 ? Ready.none : Ready.readable);
      case 4:
        if (stranger.closeTurn === Infinity) this.#watch(stranger);
        return;
      default:
        return this.#cycle();
    }
  }

  #close(channel: Channel): void {
    channel.closeTurn = this.#turn;
    libc.close(channel.fd);
  }

  #clear(channel: Channel): void {
    removeAll(channel);
    for (const fd of [channel.peer, channel.duplicate]) if (fd >= 0) libc.close(fd);
  }

  #fail(channel: Channel, what: string): void {
    this.failures.push(`cycle ${this.cycles}, file ${channel.identity} on fd ${channel.fd}: ${what}`);
  }
}

function remove(channel: Channel, watch: Watch): void {
  watch.remove();
  channel.watches.delete(watch);
}

function removeAll(channel: Channel): void {
  for (const watch of channel.watches) remove(channel, watch);
}
