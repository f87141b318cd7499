import type { Token } from "../event/index.ts";
import { freeBitmap, newBitmap, readBitmap } from "./bitmap.ts";
import { type CallbackTarget, callbacks, eventListeners, type RunningOperation, targets } from "./callbacks.ts";
import { type DomainInfo, readDomainInfo, readVcpuInfo, shutdownReason, type VcpuInfo } from "./domain-info.ts";
import { failure, LibxlError } from "./error.ts";
import {
  type HostTopology,
  type PhysicalInfo,
  readPhysicalInfo,
  readSchedule,
  readTopology,
  type SchedulerName,
  type SchedulerParameters,
  schedulerName,
} from "./host-info.ts";
import type {
  Generator,
  Library,
  LibraryEvent,
  LibraryListener,
  Request,
  RequestListener,
  Running,
} from "./library.ts";
import { begin, freeConfig, newConfig, type Origin } from "./operation-memory.ts";
import {
  calloc,
  copyOf,
  free,
  type Pointer,
  type RawLibrary,
  readInt,
  readPointer,
  readText,
  writeInt,
  writePointer,
} from "./raw.ts";
import type { LibraryVersion } from "./versions.ts";

const eventTypes = { shutdown: 1, death: 2, eject: 3 } as const;
const allEvents = 0xffff_ffff_ffff_ffffn;
const sigchldOwnerMainloop = 1;
const unknownReason = 255;
/** INVALID_DOMID: of none yet. */
const noDomain = 0xffff_ffff;
/** More than libxl's structs for a host's facts or a schedule take; their fields are read and written as JSON. */
const roomForFacts = 4_096;

/** libxl itself, through FFI. */
export class KoffiLibrary implements Library<Pointer>, CallbackTarget {
  readonly version: string;
  readonly #raw: RawLibrary;
  readonly #about: LibraryVersion;
  readonly #context: Pointer;
  /** What the library keeps a pointer to until its context is freed. */
  readonly #kept: Pointer[] = [];
  #listener: LibraryListener<Pointer> | undefined;
  #user: Token = 0;

  /** Throws LibxlError when the context cannot be made: no Xen below us, or no right to it. `logger` stays the caller's. */
  constructor(raw: RawLibrary, about: LibraryVersion, logger: Pointer) {
    this.#raw = raw;
    this.#about = about;
    this.version = about.version;
    const out: [Pointer | null] = [null];
    const rc = raw.allocContext(out, 0, 0, logger);
    if (rc !== 0 || out[0] === null) throw new LibxlError(rc, "libxl_ctx_alloc");
    this.#context = out[0];
  }

  get #origin(): Origin {
    return { raw: this.#raw, layout: this.#about.layout, context: this.#context, target: this };
  }

  get listener(): LibraryListener<Pointer> {
    if (this.#listener === undefined) throw new Error("the library is not attached");
    return this.#listener;
  }

  /** The version of the hypervisor that runs below, "4.17"; undefined when it cannot be asked. */
  hypervisorVersion(): string | undefined {
    const info = this.#raw.versionInfo(this.#context);
    return info === null ? undefined : `${readInt(info)}.${readInt(info, 4)}`;
  }

  commandLine(): string | number {
    const info = this.#raw.versionInfo(this.#context);
    return info === null ? failure : readText(info, this.#about.layout.versionInfo.commandLine);
  }

  attach(listener: LibraryListener<Pointer>): void {
    this.#listener = listener;
    this.#user = targets.issue(this);
    const user = BigInt(this.#user);
    const { osevent, eventOccurs, disaster } = callbacks();
    this.#raw.registerHooks(this.#context, this.#keep(osevent), user);
    const children = this.#keep([0n, 0n, 0n]);
    writeInt(children, 0, sigchldOwnerMainloop);
    this.#raw.setChildMode(this.#context, children, user);
    this.#raw.registerCallbacks(this.#context, this.#keep([allEvents, eventOccurs, disaster]), user);
  }

  dispose(): void {
    this.#raw.freeContext(this.#context);
    targets.retire(this.#user);
    for (const memory of this.#kept.splice(0)) free(memory);
  }

  domains(): DomainInfo[] | number {
    const { layout } = this.#about;
    const { size } = layout.domainInfo;
    const bytes = this.#array(this.#raw.listDomains, this.#raw.freeDomains, size);
    if (bytes === undefined) return failure;
    return Array.from({ length: bytes.length / size }, (_, index) =>
      readDomainInfo(bytes.subarray(index * size, (index + 1) * size), layout),
    );
  }

  /** A copy of an array of libxl's structs, each of `size` bytes; undefined: libxl could not make it. */
  #array(
    list: (context: Pointer, count: [number]) => Pointer | null,
    freeList: (list: Pointer, count: number) => void,
    size: number,
  ): Uint8Array | undefined {
    const count: [number] = [0];
    const found = list(this.#context, count);
    if (found === null) return undefined;
    const bytes = copyOf(found, count[0] * size);
    freeList(found, count[0]);
    return bytes;
  }

  domain(domid: number): DomainInfo | number {
    const memory = calloc(1, this.#about.layout.domainInfo.size);
    this.#raw.initInfo(memory);
    try {
      const rc = this.#raw.domainInfo(this.#context, memory, domid);
      return rc === 0 ? this.#infoAt(memory) : rc;
    } finally {
      this.#raw.disposeInfo(memory);
      free(memory);
    }
  }

  nameOf(domid: number): string | undefined {
    return this.#raw.domainName(this.#context, domid) ?? undefined;
  }

  consolePath(domid: number): string | number {
    const out: [string | null] = [null];
    const rc = this.#raw.consolePath(this.#context, domid, out);
    return rc === 0 ? (out[0] ?? "") : rc;
  }

  vcpus(domid: number): VcpuInfo[] | number {
    const { layout } = this.#about;
    const [count, cpus]: [[number], [number]] = [[0], [0]];
    const list = this.#raw.listVcpus(this.#context, domid, count, cpus);
    if (list === null) return failure;
    const { size, cpumap } = layout.vcpuInfo;
    const found = Array.from({ length: count[0] }, (_, index) => {
      const at = list + BigInt(size * index);
      return readVcpuInfo(copyOf(at, size), readBitmap(at + BigInt(cpumap)), layout);
    });
    this.#raw.freeVcpus(list, count[0]);
    return found;
  }

  pinVcpu(domid: number, vcpu: number, cpus: readonly number[]): number {
    const map = newBitmap(this.#origin, cpus);
    if (typeof map === "number") return map;
    try {
      return this.#raw.pinVcpu(this.#context, domid, vcpu, map, null);
    } finally {
      freeBitmap(this.#raw, map);
    }
  }

  setMemoryTarget(domid: number, kib: number): number {
    return this.#raw.setMemoryTarget(this.#context, domid, kib, 0, 1);
  }

  shiftMemoryTarget(domid: number, kib: number): bigint | number {
    const { setMemoryTarget, memoryTarget } = this.#raw;
    const target = this.#number((out) => memoryTarget(this.#context, domid, out));
    if (typeof target === "number") return target;
    const rc = setMemoryTarget(this.#context, domid, kib, 1, 0);
    return rc === 0 ? target + BigInt(kib) : rc;
  }

  neededMemory(config: string): bigint | number {
    const { parseConfig, neededMemory } = this.#raw;
    const memory = newConfig(this.#origin);
    try {
      const parsed = parseConfig(this.#context, memory, config);
      return parsed === 0 ? this.#number((out) => neededMemory(this.#context, memory, noDomain, out)) : parsed;
    } finally {
      freeConfig(this.#origin, memory);
    }
  }

  #number(read: (out: [number | bigint]) => number): bigint | number {
    const out: [number | bigint] = [0];
    const rc = read(out);
    return rc === 0 ? BigInt(out[0]) : rc;
  }

  physical(): PhysicalInfo | number {
    const { initPhysical, physical, printPhysical, disposePhysical } = this.#raw;
    const memory = calloc(1, roomForFacts);
    initPhysical(memory);
    try {
      const rc = physical(this.#context, memory);
      const json = rc === 0 ? printPhysical(this.#context, memory) : null;
      return json === null ? rc || failure : readPhysicalInfo(json);
    } finally {
      disposePhysical(memory);
      free(memory);
    }
  }

  topology(): HostTopology | number {
    const { layout } = this.#about;
    const { listNodes, freeNodes, listCpus, freeCpus } = this.#raw;
    const nodes = this.#array(listNodes, freeNodes, layout.numaInfo.size);
    const cpus = this.#array(listCpus, freeCpus, layout.cpuTopology.size);
    return nodes === undefined || cpus === undefined ? failure : readTopology(nodes, cpus, layout);
  }

  scheduler(): SchedulerName {
    return schedulerName(this.#raw.scheduler(this.#context));
  }

  schedule(domid: number): SchedulerParameters | number {
    const { schedule, printSchedule } = this.#raw;
    return this.#withSchedule((memory) => {
      const rc = schedule(this.#context, domid, memory);
      const json = rc === 0 ? printSchedule(this.#context, memory) : null;
      return json === null ? rc || failure : readSchedule(json);
    });
  }

  setSchedule(domid: number, parameters: SchedulerParameters): number {
    const { parseSchedule, setSchedule } = this.#raw;
    return this.#withSchedule((memory) => {
      const rc = parseSchedule(this.#context, memory, JSON.stringify(parameters));
      return rc === 0 ? setSchedule(this.#context, domid, memory) : rc;
    });
  }

  #withSchedule<T>(use: (memory: Pointer) => T): T {
    const memory = calloc(1, roomForFacts);
    this.#raw.initSchedule(memory);
    try {
      return use(memory);
    } finally {
      free(memory);
    }
  }

  start(request: Request, listener: RequestListener): Running | number {
    return begin(this.#origin, request, listener);
  }

  onDeath(domid: number, listener: (event: LibraryEvent) => void): Generator | number {
    const { enableDeath, disableDeath } = this.#raw;
    const enable = (user: Token, out: [Pointer | null]): number => enableDeath(this.#context, domid, user, out);
    return this.#generate(listener, enable, disableDeath);
  }

  onEject(domid: number, vdev: string, listener: (event: LibraryEvent) => void): Generator | number {
    const { enableEject, disableEject } = this.#raw;
    const enable = (user: Token, out: [Pointer | null]): number => enableEject(this.#context, domid, vdev, user, out);
    return this.#generate(listener, enable, disableEject);
  }

  occurredFd(forLibrary: Pointer, fd: number, events: number, revents: number): void {
    this.#raw.occurredFd(this.#context, forLibrary, fd, events, revents);
  }

  occurredTimeout(forLibrary: Pointer): void {
    this.#raw.occurredTimeout(this.#context, forLibrary);
  }

  childEnded(): void {
    this.#raw.childOccurred(this.#context);
  }

  eventOccurred(event: Pointer): void {
    try {
      this.#tell(event);
    } finally {
      this.#raw.freeEvent(this.#context, event);
    }
  }

  progressed(event: Pointer, { listener }: RunningOperation): void {
    const domid = readInt(event, this.#about.layout.event.domid);
    this.#raw.freeEvent(this.#context, event);
    listener.consoleAvailable(domid);
  }

  #generate(
    listener: (event: LibraryEvent) => void,
    enable: (user: Token, out: [Pointer | null]) => number,
    disable: (context: Pointer, generator: Pointer) => void,
  ): Generator | number {
    const user = eventListeners.issue(listener);
    const out: [Pointer | null] = [null];
    const rc = enable(user, out);
    const [generator] = out;
    if (rc !== 0 || generator === null) {
      eventListeners.retire(user);
      return rc;
    }
    // Once: the second time the pointer would lead to freed memory.
    return { disable: () => eventListeners.retire(user) && disable(this.#context, generator) };
  }

  /** From the struct, not from its JSON, which leaves out type, domain 0 and reason 0. */
  #tell(event: Pointer): void {
    const at = this.#about.layout.event;
    const tell = eventListeners.resolve(Number(readPointer(event, at.forUser)));
    const domid = readInt(event, at.domid);
    const type = readInt(event, at.type);
    if (type === eventTypes.death) tell?.({ type: "death", domid });
    if (type === eventTypes.eject) tell?.({ type: "eject", domid, vdev: readText(event, at.union) });
    if (type !== eventTypes.shutdown) return;
    const [reason = unknownReason] = copyOf(event + BigInt(at.union), 1);
    tell?.({ type: "shutdown", domid, reason: shutdownReason(reason) });
  }

  #infoAt(memory: Pointer): DomainInfo {
    const { layout } = this.#about;
    return readDomainInfo(copyOf(memory, layout.domainInfo.size), layout);
  }

  #keep(words: readonly Pointer[]): Pointer {
    const memory = calloc(words.length, 8);
    words.forEach((word, index) => writePointer(memory, 8 * index, word));
    this.#kept.push(memory);
    return memory;
  }
}
