import { type Readiness, Ready } from "../event/host.ts";
import { generationOf, slotOf, type Token, tokenOf } from "../event/nexus.ts";
import * as libc from "./libc.ts";

const closeOnExec = 0o2000000;
const control = { add: 1, remove: 2, modify: 3 } as const;
/** EPOLLIN, EPOLLOUT, EPOLLERR and EPOLLHUP; the last two come unasked. */
const kernel = { in: 0x1, out: 0x4, errorAndHangup: 0x18, edgeTriggered: 0x80000000 } as const;

/** struct epoll_event in 32-bit words: events, data; packed on x86-64, else padded. */
const layout = process.arch === "x64" ? { words: 3, data: 1 } : { words: 4, data: 2 };
const limit = 256;

/**
 * One epoll instance. Its data word is a token, split into slot and generation.
 *
 * add, modify and remove return the errno, 0 for success: which one it is decides what the host does next.
 */
export class EpollSet {
  readonly fd = libc.check(libc.epollCreate(closeOnExec), "epoll_create1", "of an event loop");
  readonly #event = new Uint32Array(layout.words);
  readonly #events = new Uint32Array(layout.words * limit);

  add(fd: number, interest: Readiness, token: Token): number {
    return this.#control(control.add, fd, interest, token);
  }

  modify(fd: number, interest: Readiness, token: Token): number {
    return this.#control(control.modify, fd, interest, token);
  }

  remove(fd: number): number {
    return libc.epollCtl(this.fd, control.remove, fd, null) < 0 ? libc.errno() : 0;
  }

  /** Collects what is ready now, 256 at most, and returns how many; the kernel lets the others come first next time. */
  wait(): number {
    return libc.check(libc.epollWait(this.fd, this.#events, limit, 0), "epoll_wait", "of an event loop");
  }

  tokenAt(index: number): Token {
    const data = index * layout.words + layout.data;
    return tokenOf(this.#events[data] as number, this.#events[data + 1] as number);
  }

  readyAt(index: number): Readiness {
    const events = this.#events[index * layout.words] as number;
    return (events & kernel.in) | ((events & (kernel.out | kernel.errorAndHangup)) >> 1);
  }

  close(): void {
    libc.close(this.fd);
  }

  #control(operation: number, fd: number, interest: Readiness, token: Token): number {
    this.#event[0] = eventsOf(interest);
    this.#event[layout.data] = slotOf(token);
    this.#event[layout.data + 1] = generationOf(token);
    return libc.epollCtl(this.fd, operation, fd, this.#event) < 0 ? libc.errno() : 0;
  }
}

/**
 * Without interest the entry stays, edge-triggered: the kernel reports hang-up even to those who ask for nothing, and
 * so it does that once instead of in every turn. Taking the entry out would forget which file it was for.
 */
function eventsOf(interest: Readiness): number {
  if (interest === Ready.none) return kernel.edgeTriggered;
  return (interest & Ready.readable) | ((interest & Ready.writable) << 1);
}
