import { readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../../fuzz/random.ts";
import { Deferred, type Loop, type Transport } from "../../../src/event/index.ts";
import {
  Context,
  type DomainInfo,
  type Generator,
  type LibraryEvent,
  type Request,
  type RequestListener,
  type Running,
  type ShutdownReason,
} from "../../../src/libxl/index.ts";
import { ContextServer } from "../../../src/libxl/process/context-server.ts";
import { listenUnix } from "../../../src/os/index.ts";
import { FakeLibrary } from "../../libxl/fake-library.ts";
import type { DaemonLife } from "../killed-daemon/daemon-life.ts";
import type { ScriptGuest } from "../rounds/script.ts";
import type { LibxlRole, XenHost } from "./xen-host.ts";
import { descriptorsOf, filesOf, type Leftovers } from "./xen-leftovers.ts";
import { definitionOf, xenScript } from "./xen-script.ts";

/** libxl's numbers for what has failed, and for a domain that is not there. */
const [failed, notFound] = [-3, -21];
/** Milliseconds that things take: as few as keep their order open. */
const workMs = { create: 40, restore: 40, save: 40, destroy: 20, guest: 25 } as const;

interface SimulatedDomain {
  info: DomainInfo;
  readonly config: string;
  /** libxl keeps what it was told of a domain once that is built. */
  isBuilt: boolean;
  memory: string;
}

interface SimulatedProcess {
  readonly role: LibxlRole;
  readonly ended: Promise<void>;
  /** As by kill -9. */
  end(): void;
}

/**
 * A Xen that outlives daemons, and what stands for libxl's processes: their contexts are in this process, and a daemon
 * reaches them by the sockets `observer` and `operations`, xenstored's news by `news`, and the end of those that are another's by `elders`, in the directory `xen`. What a
 * process that is killed had begun goes no further.
 */
export class SimulatedXen implements XenHost {
  readonly heardMs = 3_000;
  readonly daemon = fileURLToPath(new URL("./simulated-daemon.ts", import.meta.url));
  readonly script = xenScript({
    keptMemory: async (guest) => {
      const saved = this.#saved.get(guest.dom.uuid);
      const { memory } = this.#find(guest) ?? {};
      return memory === saved ? undefined : `its memory was ${saved}, and is ${memory}`;
    },
    hasMemory: async (guest, kib) => {
      const { info } = this.#find(guest) ?? {};
      return info?.currentMemoryKib === BigInt(kib) ? undefined : `it has ${info?.currentMemoryKib} KiB`;
    },
    hasVcpus: async (guest, count) => {
      const { info } = this.#find(guest) ?? {};
      return info?.onlineVcpus === count ? undefined : `it has ${info?.onlineVcpus} processors`;
    },
  });
  readonly domains = new Map<number, SimulatedDomain>();
  readonly listening = new Set<{ readonly domid: number; readonly tell: (event: LibraryEvent) => void }>();
  readonly #loop: Loop;
  readonly #processes = new Set<SimulatedProcess>();
  readonly #followers = new Set<Transport>();
  readonly #saved = new Map<string, string>();
  #nextDomid = 1;

  /** `directory`: a daemon's. */
  constructor(loop: Loop, directory: string) {
    this.#loop = loop;
    for (const role of ["observer", "operations"] as const) {
      listenUnix(loop, join(directory, `xen-${role}`), { mode: 0o600 }, (transport) => this.#begin(role, transport));
    }
    listenUnix(loop, join(directory, "xen-elders"), { mode: 0o600 }, (transport) => this.#tellElders(transport));
    listenUnix(loop, join(directory, "xen-news"), { mode: 0o600 }, (transport) => {
      this.#followers.add(transport);
      transport.open({ onData: () => {}, onClose: () => void this.#followers.delete(transport) });
    });
  }

  /** A daemon begins: those that there are have been another's. */
  #tellElders(daemon: Transport): void {
    const elders = Array.from(this.#processes);
    daemon.open({ onData: () => {}, onClose: () => {} });
    daemon.send(new Uint8Array(1));
    void Promise.all(elders.map(({ ended }) => ended)).then(() => daemon.close());
  }

  definitionOf(dom: { readonly name: string; readonly uuid: string }): string {
    return definitionOf(dom, "/boot/guest");
  }

  kill(role: LibxlRole, random: Random): boolean {
    const process = random.pick(Array.from(this.#processes).filter((each) => each.role === role));
    process?.end();
    return process !== undefined;
  }

  async look(directory: string, life: DaemonLife): Promise<Leftovers> {
    const counts = await life.counts();
    // A connection and its watch for each.
    const own = this.#processes.size;
    return {
      domains: Array.from(this.domains.keys(), String),
      nodes: [],
      files: filesOf(directory),
      observers: Array.from(this.#processes).filter(({ role }) => role === "observer").length,
      helpers: 0,
      descriptors: new Map(),
      held: { ...counts, descriptors: descriptorsOf(life.pid) - own, registrations: counts.registrations - own },
    };
  }

  async outliving(): Promise<number> {
    for (let turns = 0; turns < 100 && this.#processes.size > 0; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#processes.size;
  }

  add(config: string): number {
    const { c_info, b_info } = JSON.parse(config) as {
      readonly c_info: { readonly uuid: string };
      readonly b_info: { readonly max_memkb: number; readonly max_vcpus: number };
    };
    const domid = this.#nextDomid++;
    const memoryKib = BigInt(b_info.max_memkb);
    const info = { ...asBuilt, domid, uuid: c_info.uuid, currentMemoryKib: memoryKib, maxMemoryKib: memoryKib };
    this.domains.set(domid, { info, config, isBuilt: false, memory: `of domain ${domid}` });
    this.#tellNews();
    return domid;
  }

  remove(domid: number): void {
    if (!this.domains.delete(domid)) return;
    this.#tell({ type: "death", domid });
    this.#tellNews();
  }

  stop(domid: number, reason: ShutdownReason): void {
    const domain = this.domains.get(domid);
    if (domain === undefined || domain.info.shutdown) return;
    domain.info = { ...domain.info, running: false, shutdown: true, shutdownReason: reason };
    this.#tell({ type: "shutdown", domid, reason });
  }

  keep({ info, memory }: SimulatedDomain): void {
    this.#saved.set(info.uuid, memory);
  }

  #find({ dom }: ScriptGuest): SimulatedDomain | undefined {
    return Array.from(this.domains.values()).find(({ info }) => info.uuid === dom.uuid);
  }

  #begin(role: LibxlRole, transport: Transport): void {
    const library = new SimulatedLibrary(this);
    const context = new Context(this.#loop, library, { wallClock: Date.now, onDisaster: () => {} });
    const server = new ContextServer(context as Context, role, transport);
    const ended = new Deferred();
    const process: SimulatedProcess = {
      role,
      ended: ended.promise,
      end: () => {
        this.#processes.delete(process);
        transport.close();
        library.die();
        ended.resolve();
      },
    };
    this.#processes.add(process);
    server.open();
    void server.ended.then(async () => {
      this.#processes.delete(process);
      await context.close();
      ended.resolve();
    });
  }

  #tell(event: LibraryEvent): void {
    for (const { domid, tell } of Array.from(this.listening)) if (domid === event.domid) tell(event);
  }

  #tellNews(): void {
    for (const follower of this.#followers) follower.send(new Uint8Array(1));
  }
}

const asBuilt = {
  type: "pv",
  running: false,
  blocked: false,
  paused: true,
  shutdown: false,
  dying: false,
  shutdownReason: "unknown",
  cpuTimeNs: 0n,
  maxVcpus: 2,
  onlineVcpus: 1,
} as const;

type End = (rc: number, more?: { readonly domid?: number; readonly config?: string }) => void;

/** One process's view of it. */
class SimulatedLibrary extends FakeLibrary {
  readonly #xen: SimulatedXen;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #generators = new Set<Generator>();
  readonly #ends = new Set<End>();

  constructor(xen: SimulatedXen) {
    super();
    this.#xen = xen;
  }

  /** What was begun goes no further, and nobody hears of it. */
  die(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const generator of this.#generators) generator.disable();
    for (const end of Array.from(this.#ends)) end(failed);
  }

  override domains(): DomainInfo[] {
    return Array.from(this.#xen.domains.values(), ({ info }) => info);
  }

  override domain(domid: number): DomainInfo | number {
    return this.#xen.domains.get(domid)?.info ?? notFound;
  }

  override setMemoryTarget(domid = 0, kib = 0): number {
    return this.#change(domid, { currentMemoryKib: BigInt(kib) });
  }

  override onDeath(domid: number, tell: (event: LibraryEvent) => void): Generator | number {
    const info = this.#xen.domains.get(domid)?.info;
    if (info === undefined) tell({ type: "death", domid });
    else if (info.shutdown) tell({ type: "shutdown", domid, reason: info.shutdownReason });
    const listening = { domid, tell };
    this.#xen.listening.add(listening);
    const generator = { disable: () => void this.#xen.listening.delete(listening) };
    this.#generators.add(generator);
    return generator;
  }

  override start(request: Request, listener: RequestListener): Running | number {
    const end: End = (rc, more = {}) => {
      if (this.#ends.delete(end)) listener.ended({ rc, ...more });
    };
    this.#ends.add(end);
    this.#do(request, end);
    return { abort: () => failed };
  }

  #do(request: Request, end: End): void {
    const { domains } = this.#xen;
    if (request.call === "create" || request.call === "restore") {
      const domid = this.#xen.add(request.config);
      const domain = domains.get(domid);
      if (request.call === "restore" && domain !== undefined) domain.memory = readText(request.fd);
      return this.#later(workMs[request.call], () => {
        if (domain !== undefined) domain.isBuilt = true;
        end(domains.has(domid) ? 0 : failed, { domid });
      });
    }
    const { domid } = request;
    const domain = domains.get(domid);
    if (domain === undefined) return end(notFound);
    switch (request.call) {
      case "save":
        return this.#later(workMs.save, () => {
          this.#xen.stop(domid, "suspend");
          this.#xen.keep(domain);
          writeSync(request.fd, domain.memory);
          this.#later(workMs.save, () => end(domains.get(domid) === domain ? 0 : failed));
        });
      case "destroy":
        return this.#later(workMs.destroy, () => {
          this.#xen.remove(domid);
          end(0);
        });
      case "shutdown":
      case "pressPowerButton":
      case "reboot":
        setTimeout(() => this.#xen.stop(domid, request.call === "reboot" ? "reboot" : "poweroff"), workMs.guest);
        return end(0);
      case "configuration":
        return domain.isBuilt ? end(0, { config: domain.config }) : end(failed);
      case "pause":
        return end(this.#change(domid, { paused: true, running: false }));
      case "unpause":
        return end(this.#change(domid, { paused: false, running: true }));
      case "resume":
        if (!domain.info.shutdown || domain.info.shutdownReason !== "suspend") return end(failed);
        return end(this.#change(domid, { shutdown: false, shutdownReason: "unknown", running: true }));
      case "vcpus":
        return end(this.#change(domid, { onlineVcpus: request.count }));
      case "dump":
      case "addDevice":
      case "removeDevice":
        return end(failed);
    }
  }

  #change(domid: number, change: Partial<DomainInfo>): number {
    const domain = this.#xen.domains.get(domid);
    if (domain === undefined) return notFound;
    domain.info = { ...domain.info, ...change };
    return 0;
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}

function readText(fd: number): string {
  const bytes = Buffer.alloc(256);
  return bytes.toString("latin1", 0, readSync(fd, bytes));
}
