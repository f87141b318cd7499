import type { CookieCell } from "../../src/event/index.ts";
import type {
  DomainInfo,
  Generator,
  Library,
  LibraryEvent,
  LibraryListener,
  Request,
  RequestListener,
  Running,
  VcpuInfo,
} from "../../src/libxl/index.ts";
import { Context } from "../../src/libxl/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";

export class Cell implements CookieCell {
  #cookie = 0;
  load = (): number => this.#cookie;
  store = (cookie: number): void => {
    this.#cookie = cookie;
  };
}

interface Started {
  readonly request: Request;
  readonly listener: RequestListener;
}

/** A library that does what a test says. Calling it from inside itself is the error it exists to find. */
export class FakeLibrary implements Library<string> {
  readonly version = "fake";
  readonly calls: string[] = [];
  readonly started: Started[] = [];
  readonly tellers: ((event: LibraryEvent) => void)[] = [];
  listener!: LibraryListener<string>;
  /** What start and enabling answer. */
  refusal: number | undefined;
  /** Ends operations inside `start`. */
  endsAtOnce = false;
  onAbort: (() => void) | undefined;
  #inside = false;

  attach(listener: LibraryListener<string>): void {
    this.listener = listener;
  }

  /** The library runs; everything that it calls of ours, it calls from here. */
  enter<T>(what: string, action: () => T): T {
    if (this.#inside) throw new Error(`${what} from inside the library`);
    this.#inside = true;
    try {
      return action();
    } finally {
      this.#inside = false;
    }
  }

  dispose(): void {
    this.enter("dispose", () => this.calls.push("dispose"));
  }

  domains(): DomainInfo[] | number {
    return this.refusal ?? [];
  }

  domain(_domid: number): DomainInfo | number {
    return this.refusal ?? -21;
  }

  nameOf(): string | undefined {
    return undefined;
  }

  consolePath(): string | number {
    return this.refusal ?? "/dev/pts/0";
  }

  vcpus(): VcpuInfo[] | number {
    return this.refusal ?? [];
  }

  pinVcpu(): number {
    return this.refusal ?? 0;
  }

  setMemoryTarget(): number {
    return this.refusal ?? 0;
  }

  shiftMemoryTarget(_domid: number, kib: number): bigint | number {
    return this.refusal ?? 1_048_576n + BigInt(kib);
  }

  neededMemory(_config: string): bigint | number {
    return this.refusal ?? 16_384n;
  }

  commandLine(): string | number {
    return this.refusal ?? "dom0_mem=1G";
  }

  physical(): number {
    return this.refusal ?? -3;
  }

  topology(): number {
    return this.refusal ?? -3;
  }

  scheduler(): "credit2" {
    return "credit2";
  }

  schedule(): { weight: number } | number {
    return this.refusal ?? { weight: 256 };
  }

  setSchedule(): number {
    return this.refusal ?? 0;
  }

  start(request: Request, listener: RequestListener): Running | number {
    return this.enter("start", () => {
      this.calls.push(request.call);
      if (this.refusal !== undefined) return this.refusal;
      this.started.push({ request, listener });
      if (this.endsAtOnce) listener.ended({ rc: 0, domid: 7 });
      return { abort: () => this.#abort(request) };
    });
  }

  onDeath(_domid: number, listener: (event: LibraryEvent) => void): Generator | number {
    if (this.refusal !== undefined) return this.refusal;
    this.tellers.push(listener);
    return { disable: () => this.enter("disable", () => this.calls.push("disable")) };
  }

  onEject(domid: number, _vdev: string, listener: (event: LibraryEvent) => void): Generator | number {
    return this.onDeath(domid, listener);
  }

  occurredFd(): void {}

  occurredTimeout(forLibrary: string): void {
    this.enter("occurredTimeout", () => this.calls.push(`timeout ${forLibrary}`));
  }

  childEnded(): void {
    this.enter("childEnded", () => this.calls.push("child"));
  }

  #abort(request: Request): number {
    return this.enter("abort", () => {
      this.calls.push(`abort ${request.call}`);
      this.onAbort?.();
      return 0;
    });
  }
}

/** A context before a fake library, on a loop that the test turns. */
export function open() {
  const hand = new HandLoop();
  const library = new FakeLibrary();
  const disasters: string[] = [];
  const context = new Context(hand.loop, library, {
    wallClock: () => hand.loop.now(),
    onDisaster: (message) => disasters.push(message),
    onClosed: () => library.calls.push("closed"),
    readLog: () => library.enter("readLog", () => library.calls.push("log")),
  });
  return { hand, library, context, disasters };
}
