import type { Readiness } from "../event/host.ts";
import { Nexus, type Token } from "../event/nexus.ts";
import { EpollSet } from "./epoll-set.ts";
import * as libc from "./libc.ts";
import { Port } from "./port.ts";
import { SystemError } from "./system-error.ts";

/**
 * The ports of a host: which open file each descriptor number means, and what epoll is to report for it.
 *
 * Why readiness never reaches the wrong watch, although numbers are reused: the kernel keys an entry by (number, open
 * file) and hands back its port's token, which is issued once for all time. A number whose file was replaced behind our
 * back is found out when it is next touched, for the kernel has no entry for the new file: the old port is orphaned and
 * hears nothing more. An event whose port is gone means that the kernel has kept an entry to which no number leads,
 * because a duplicate keeps the file open: then `isBroken`, and `rebuild` leaves it behind.
 *
 * (Not found out: a file that loses its number to another while both are watched, and by dup2 gets it back.)
 */
export class PortTable {
  #set = new EpollSet();
  readonly #ports = new Nexus<Port>();
  /** Those that are not orphaned: at most one for a number. */
  readonly #byFd = new Map<number, Port>();
  #isBroken = false;

  /** The epoll instance, until the next `rebuild`. */
  get epoll(): EpollSet {
    return this.#set;
  }

  /** The kernel has an entry that cannot be removed and would be reported for ever. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * The port for one more watch with this interest. Undefined for a file that the kernel cannot watch, if that may count
   * as always ready. Throws SystemError: EBADF, EPERM.
   */
  open(fd: number, interest: Readiness, alwaysReady: boolean): Port | undefined {
    return this.#join(fd, interest) ?? this.#add(fd, interest, alwaysReady);
  }

  /** Brings the kernel up to date with what the port's watches ask for; without watches the port is gone. */
  update(port: Port): void {
    if (this.#byFd.get(port.fd) !== port) return;
    if (port.entries.length === 0) this.#remove(port);
    else if (port.wanted !== port.interest) {
      port.interest = port.wanted;
      if (this.#set.modify(port.fd, port.interest, port.token) !== 0) this.#orphan(port);
    }
  }

  /** Tells the port's watches about an event of this token. */
  share(token: Token, ready: Readiness, report: (token: Token, ready: Readiness) => void): void {
    const port = this.#ports.resolve(token);
    if (port === undefined) this.#isBroken = true;
    else port.share(ready, report);
  }

  /** A new epoll instance with the live ports. */
  rebuild(): void {
    // Only what the old instance knows under its number is the port's own file, and may be added by that number.
    for (const port of this.#byFd.values()) {
      if (this.#set.modify(port.fd, port.interest, port.token) !== 0) this.#orphan(port);
    }
    // Closed first: so there is a number for the new one even when all are in use.
    this.#set.close();
    this.#set = new EpollSet();
    for (const port of this.#byFd.values()) this.#set.add(port.fd, port.interest, port.token);
    this.#isBroken = false;
  }

  close(): void {
    this.#set.close();
  }

  /** Makes the port that is there ask for more. Undefined when there is none, or the number is another file's by now. */
  #join(fd: number, interest: Readiness): Port | undefined {
    const port = this.#byFd.get(fd);
    if (port === undefined) return undefined;
    const wanted = port.interest | interest;
    // Asked even when nothing changes: the answer says whether the number still means the same file.
    if (this.#set.modify(fd, wanted, port.token) !== 0) return this.#orphan(port);
    port.interest = wanted;
    return port;
  }

  #add(fd: number, interest: Readiness, alwaysReady: boolean): Port | undefined {
    const port = new Port(this.#ports, fd, interest);
    let errno = this.#set.add(fd, interest, port.token);
    // The file has come back under its number, by way of a duplicate, and meets the entry it once left behind.
    if (errno === libc.EEXIST) errno = this.#set.modify(fd, interest, port.token);
    if (errno === 0) {
      this.#byFd.set(fd, port);
      return port;
    }
    this.#ports.retire(port.token);
    if (errno === libc.EPERM && alwaysReady) return undefined;
    throw new SystemError(errno, "epoll_ctl", `fd ${fd}`, advice.get(errno));
  }

  /** The kernel may refuse: then the number is closed or another file's, which has no entry of ours. */
  #remove(port: Port): void {
    this.#orphan(port);
    this.#set.remove(port.fd);
  }

  /** The number no longer leads to the port's file. */
  #orphan(port: Port): undefined {
    this.#ports.retire(port.token);
    this.#byFd.delete(port.fd);
  }
}

const advice = new Map([
  [libc.EBADF, "the descriptor is not open; watch it before it is closed"],
  [libc.EPERM, "the kernel cannot watch such a file (it is always ready); pass { alwaysReady: true } to have it so"],
]);
