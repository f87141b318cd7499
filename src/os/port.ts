import { type Readiness, Ready } from "../event/host.ts";
import type { Nexus, Token } from "../event/nexus.ts";

/** One watch, as the host sees it. */
export interface Entry {
  readonly token: Token;
  interest: Readiness;
  /** Undefined: a file that counts as always ready. */
  readonly port: Port | undefined;
}

const unasked = Ready.error | Ready.hangup;

/** An open file under a descriptor number, as epoll knows it, and the watches that share it. */
export class Port {
  readonly fd: number;
  /** The port's own, in the kernel: a watch's token never goes there. */
  readonly token: Token;
  readonly entries: Entry[] = [];
  /** What the kernel was asked for. */
  interest: Readiness;

  constructor(nexus: Nexus<Port>, fd: number, interest: Readiness) {
    this.fd = fd;
    this.interest = interest;
    this.token = nexus.issue(this);
  }

  /** The union of what the watches ask for. */
  get wanted(): Readiness {
    let wanted: Readiness = Ready.none;
    for (const { interest } of this.entries) wanted |= interest;
    return wanted;
  }

  /** Gives each watch its own share of what is ready. */
  share(ready: Readiness, report: (token: Token, ready: Readiness) => void): void {
    for (const { token, interest } of this.entries) {
      const own = ready & (interest | unasked);
      if (interest !== Ready.none && own !== Ready.none) report(token, own);
    }
  }

  drop(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
  }
}
