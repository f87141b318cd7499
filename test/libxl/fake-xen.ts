import type { Transport } from "../../src/event/index.ts";
import {
  Context,
  type DomainInfo,
  type Generator,
  type LibraryEvent,
  type Request,
  type RequestListener,
  type Running,
  type ShutdownReason,
} from "../../src/libxl/index.ts";
import { ContextServer } from "../../src/libxl/process/context-server.ts";
import type { ContextProcess } from "../../src/libxl/process/launch.ts";
import type { Role } from "../../src/libxl/process/wire.ts";
import { XenProcesses } from "../../src/libxl/process/xen-processes.ts";
import { pairInMemory } from "../../src/rpc/memory-transport.ts";
import { HandLoop } from "../qmp/hand-host.ts";
import { FakeLibrary } from "./fake-library.ts";

interface Listening {
  readonly domid: number;
  readonly tell: (event: LibraryEvent) => void;
}

/** A hypervisor that several contexts share. */
export class FakeXen {
  readonly domains = new Map<number, DomainInfo>();
  readonly listening = new Set<Listening>();
  /** Operations that have not ended, by the test's word. */
  readonly held: (() => void)[] = [];
  holds = false;
  /** They do not end when they are asked to stop. */
  isStuck = false;
  nextDomid = 1;

  add(uuid: string, domid = this.nextDomid++): number {
    this.domains.set(domid, { ...blank, domid, uuid });
    return domid;
  }

  stop(domid: number, reason: ShutdownReason): void {
    const info = this.domains.get(domid);
    if (info !== undefined) this.domains.set(domid, { ...info, shutdown: true, shutdownReason: reason });
    this.#tell({ type: "shutdown", domid, reason });
  }

  remove(domid: number): void {
    this.domains.delete(domid);
    this.#tell({ type: "death", domid });
  }

  #tell(event: LibraryEvent): void {
    for (const { domid, tell } of this.listening) if (domid === event.domid) tell(event);
  }
}

const blank: DomainInfo = {
  domid: 0,
  uuid: "",
  type: "pv",
  running: true,
  blocked: false,
  paused: false,
  shutdown: false,
  dying: false,
  shutdownReason: "unknown",
  currentMemoryKib: 2n ** 60n + 1n,
  maxMemoryKib: 0n,
  cpuTimeNs: 0n,
  maxVcpus: 1,
  onlineVcpus: 1,
};

/** One context's view of it. As with libxl, the first watch is told at once of what has happened already, and no other. */
class XenLibrary extends FakeLibrary {
  readonly #xen: FakeXen;
  #hasWatched = false;

  constructor(xen: FakeXen) {
    super();
    this.#xen = xen;
  }

  override domains(): DomainInfo[] {
    return [...this.#xen.domains.values()];
  }

  override domain(domid: number): DomainInfo | number {
    return this.#xen.domains.get(domid) ?? -21;
  }

  override start(request: Request, listener: RequestListener): Running | number {
    let end = (rc: number, domid?: number): void => listener.ended({ rc, ...(domid !== undefined && { domid }) });
    const once = (rc: number, domid?: number): void => {
      end(rc, domid);
      end = () => {};
    };
    const finish = this.#begin(request, once);
    if (this.#xen.holds && request.call !== "destroy") this.#xen.held.push(finish);
    else finish();
    return {
      abort: () => {
        if (!this.#xen.isStuck) once(-22);
        return 0;
      },
    };
  }

  #begin(request: Request, end: (rc: number, domid?: number) => void): () => void {
    if (request.call === "create") {
      const { c_info } = JSON.parse(request.config) as { c_info: { uuid: string; name?: string } };
      if (c_info.name === "bad") return () => end(-3, 77);
      const domid = this.#xen.add(c_info.uuid);
      return () => end(0, domid);
    }
    if (request.call !== "destroy") return () => end(0);
    const { domid } = request;
    return () => {
      const isThere = this.#xen.domains.has(domid);
      if (isThere) this.#xen.remove(domid);
      end(isThere ? 0 : -21);
    };
  }

  override onDeath(domid: number, tell: (event: LibraryEvent) => void): Generator | number {
    const info = this.#xen.domains.get(domid);
    const isFirst = !this.#hasWatched;
    this.#hasWatched = true;
    if (info === undefined) tell({ type: "death", domid });
    else if (info.shutdown && isFirst) tell({ type: "shutdown", domid, reason: info.shutdownReason });
    const listening = { domid, tell };
    this.#xen.listening.add(listening);
    return { disable: () => void this.#xen.listening.delete(listening) };
  }
}

interface Launched {
  readonly role: Role;
  readonly server: ContextServer;
  readonly context: Context<string>;
  /** The other end: closing it is the process's sudden end. */
  readonly end: () => void;
  /** Our end of it: closing it is our own. */
  readonly leave: () => void;
  ended: boolean;
  killed: boolean;
}

/** Processes that are none: each has a context of its own on the one hand-turned loop. */
export class ProcessWorld {
  readonly hand = new HandLoop();
  readonly xen = new FakeXen();
  readonly launched: Launched[] = [];
  readonly complaints: string[] = [];
  /** The next process does not start. */
  failsToStart = false;
  /** Processes that start hear nothing. */
  deaf = false;
  /** Processes that start say nothing. */
  isMute = false;
  readonly processes: XenProcesses;

  constructor(operations = 2) {
    this.processes = new XenProcesses(this.hand.loop, {
      launch: (role) => this.#launch(role),
      operations,
      onProcessEnded: (error) => this.complaints.push(error.message),
    });
  }

  alive(role: Role): Launched[] {
    return this.launched.filter((process) => process.role === role && !process.ended);
  }

  /** As by SIGKILL: its context goes without a word, and what it had registered with it. */
  crash(process: Launched | undefined): void {
    if (process === undefined) throw new Error("no such process");
    process.ended = true;
    this.xen.listening.clear();
    process.end();
  }

  async #launch(role: Role): Promise<ContextProcess> {
    if (this.failsToStart) throw new Error("no memory");
    const [ours, theirs] = pairInMemory(this.hand.loop);
    const context = new Context(this.hand.loop, new XenLibrary(this.xen), {
      wallClock: () => this.hand.loop.now(),
      onDisaster: () => {},
    });
    const server = new ContextServer(context as Context, role, this.deaf ? deafened(theirs) : theirs);
    if (!this.isMute) server.open();
    const ends = { end: () => theirs.close(), leave: () => ours.close() };
    const launched: Launched = { role, server, context, ...ends, ended: false, killed: false };
    void server.ended.then(() => {
      launched.ended = true;
    });
    this.launched.push(launched);
    return {
      transport: ours,
      kill: () => {
        launched.killed = true;
        this.crash(launched);
      },
    };
  }
}

function deafened(transport: Transport): Transport {
  const open = (listener: Parameters<Transport["open"]>[0]): void => transport.open({ ...listener, onData: () => {} });
  return { backlog: 0, open, send: (bytes) => transport.send(bytes), pause() {}, resume() {}, close() {} };
}
