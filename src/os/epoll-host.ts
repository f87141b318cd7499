import { type Host, type Readiness, Ready } from "../event/host.ts";
import type { Token } from "../event/nexus.ts";
import { Alarm } from "./alarm.ts";
import { type PollHandle, pollReadable, raise } from "./poll-handle.ts";
import type { Entry } from "./port.ts";
import { PortTable } from "./port-table.ts";

/** Never issued by a nexus. */
const alarmToken: Token = 0;
/**
 * Turns made in a row while descriptors keep becoming ready. The way through Node's event loop costs more than a turn
 * does; but promises, and everything else in Node, wait that long.
 */
const turnsInARow = 4;

/**
 * The real host: one epoll instance, which holds all that is watched and a timerfd, behind one handle in Node's own
 * event loop. So an event costs the same whatever the number of idle descriptors.
 *
 *     open -> closed
 *
 * The process stays alive while something is watched, a deadline is set or a turn is asked for.
 * close: open -> closed; idempotent. A Worker must close its loop before it is terminated: nobody else knows what is
 * open in it.
 */
export class EpollHost implements Host {
  readonly #alarm = new Alarm();
  readonly #ports = new PortTable();
  readonly #entries = new Map<Token, Entry>();
  readonly #alwaysReady = new Set<Entry>();
  /** From start to close. */
  #turn: (() => void) | undefined;
  #handle: PollHandle | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #deadline: number | undefined;
  #held = true;
  /** Events already collected, for the turn that follows at once. */
  #collected = 0;

  now(): number {
    // By index: destructuring goes through an iterator, and this is asked several times a turn.
    const time = process.hrtime();
    return time[0] * 1000 + time[1] / 1e6;
  }

  start(turn: () => void): void {
    this.#turn = turn;
    this.#attach();
    this.#settle();
  }

  arm(token: Token, fd: number, interest: Readiness, alwaysReady: boolean): void {
    const port = this.#ports.open(fd, interest, alwaysReady);
    const entry = { token, interest, port };
    this.#entries.set(token, entry);
    if (port === undefined) this.#alwaysReady.add(entry);
    else port.entries.push(entry);
    this.#settle();
  }

  rearm(token: Token, interest: Readiness): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    entry.interest = interest;
    if (entry.port !== undefined) this.#ports.update(entry.port);
    this.#settle();
  }

  disarm(token: Token): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    this.#entries.delete(token);
    this.#alwaysReady.delete(entry);
    entry.port?.drop(entry);
    if (entry.port !== undefined) this.#ports.update(entry.port);
    this.#settle();
  }

  poll(report: (token: Token, ready: Readiness) => void): void {
    const { epoll } = this.#ports;
    const count = this.#collected || epoll.wait();
    this.#collected = 0;
    for (let index = 0; index < count; index++) {
      const token = epoll.tokenAt(index);
      if (token === alarmToken) this.#alarm.ring();
      else this.#ports.share(token, epoll.readyAt(index), report);
    }
    for (const { token, interest } of this.#alwaysReady) if (interest !== Ready.none) report(token, interest);
    if (this.#ports.isBroken) this.#rebuild();
  }

  wakeAt(deadline: number | undefined): void {
    this.#deadline = deadline;
    this.#alarm.set(deadline);
    this.#settle();
  }

  /** On the host's own thread only: another thread cannot have this object, and an Inbox is its door. */
  wake(): void {
    if (this.#turn === undefined) return;
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#run();
    });
  }

  close(): void {
    if (this.#turn === undefined) return;
    this.#turn = undefined;
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#handle?.close();
    this.#ports.close();
    this.#alarm.close();
  }

  #run(): void {
    try {
      let left = turnsInARow;
      do this.#turn?.();
      while (--left > 0 && this.#collect());
    } catch (error) {
      this.#collected = 0;
      raise(error);
    }
    this.#settle();
  }

  /** Whether there is something for one more turn at once. */
  #collect(): boolean {
    if (this.#turn === undefined) return false;
    this.#collected = this.#ports.epoll.wait();
    return this.#collected > 0;
  }

  /** After each change: must the process stay alive, and must turns keep coming? */
  #settle(): void {
    if (this.#turn === undefined) return;
    const held = this.#entries.size > 0 || this.#deadline !== undefined;
    if (held !== this.#held) this.#handle?.hold(held);
    this.#held = held;
    for (const { interest } of this.#alwaysReady) if (interest !== Ready.none) return this.wake();
  }

  #rebuild(): void {
    this.#handle?.close();
    this.#ports.rebuild();
    this.#attach();
  }

  #attach(): void {
    const { epoll } = this.#ports;
    epoll.add(this.#alarm.fd, Ready.readable, alarmToken);
    this.#handle = pollReadable(epoll.fd, () => this.#run());
    this.#handle.hold(this.#held);
  }
}
