import { Ready } from "../../event/index.ts";
import { SimFile, SimKernel } from "../sim/kernel.ts";

/** A process that a library has forked, and the pipe on which it ends. */
export class FakeChild {
  readonly pipe: SimFile;
  readonly fd: number;
  state: "running" | "zombie" | "reaped" = "running";

  constructor(kernel: SimKernel, name: string) {
    this.pipe = new SimFile(`pipe of ${name}`);
    this.fd = kernel.open(this.pipe);
  }

  /** Its end of the pipe is closed: which may be before it exits, or after, when it had children of its own. */
  hangUp(): void {
    this.pipe.ready |= Ready.readable;
  }
}

/** What several contexts of a library share: descriptors, children, and domains that die. */
export class FakeMachine {
  readonly kernel: SimKernel;
  readonly children: FakeChild[] = [];
  readonly dead = new Set<number>();
  /** Readable when something has changed; each context has one. */
  readonly xenstores = new Set<SimFile>();
  /** SIGCHLD is pending: one for however many children. */
  signalled = false;

  constructor(kernel: SimKernel) {
    this.kernel = kernel;
  }

  fork(name: string): FakeChild {
    const child = new FakeChild(this.kernel, name);
    this.children.push(child);
    return child;
  }

  exit(child: FakeChild | undefined): void {
    if (child?.state !== "running") return;
    child.state = "zombie";
    this.signalled = true;
  }

  /** A domain is destroyed, by whomever. */
  die(domid: number): void {
    this.dead.add(domid);
    for (const file of this.xenstores) file.ready |= Ready.readable;
  }
}
