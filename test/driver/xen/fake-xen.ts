import { writeFileSync } from "node:fs";
import type { XenDriverOptions } from "../../../src/driver/xen/index.ts";
import type { DomainNews, Xen } from "../../../src/driver/xen/xen.ts";
import { Deferred, StateError } from "../../../src/event/index.ts";
import {
  type DeviceConfigs,
  type DeviceKind,
  type DomainConfig,
  type DomainInfo,
  encodeConfig,
  encodeDevice,
  type HostTopology,
  type LibraryEvent,
  LibxlError,
  type PhysicalInfo,
  type SchedulerName,
  type SchedulerParameters,
  type ShutdownReason,
  type Subscription,
  type VcpuInfo,
} from "../../../src/libxl/index.ts";

interface FakeDomain {
  info: DomainInfo;
  config: DomainConfig;
  name: string;
  schedule: SchedulerParameters;
  targetKib: bigint;
  /** Of virtual CPUs. */
  readonly pins: Map<number, readonly number[]>;
  /** By what libxl finds them by. */
  readonly devices: { readonly kind: DeviceKind; readonly name: string }[];
  readonly watchers: Set<(event: LibraryEvent) => unknown>;
}

export interface FakeXenOptions {
  /** Between a call and what it does, and again before its answer. */
  readonly turn: (what: string) => Promise<void>;
  /** Events come later than what they are about. */
  readonly later: (what: string, act: () => void) => void;
}

/** Xen as the driver sees it, with domains that do what the test says. */
export class FakeXen implements Xen {
  readonly list = new Map<number, FakeDomain>();
  readonly calls: string[] = [];
  readonly #options: FakeXenOptions;
  /** Hears that domains have come or gone. */
  readonly news = new Set<() => void>();
  readonly names = new Map<number, Set<() => void>>();
  nextId = 1;
  /** What the next call of that name fails with; "the writing of memory" is when a save has suspended the guest. */
  readonly failures = new Map<string, Error>();
  /** What each call of that name fails with. */
  readonly obstacles = new Map<string, Error>();
  isClosed = false;
  /** Nobody is there any more who could ask it to stop. */
  isDeaf = false;
  /** Xen's own command line. */
  startedWith = "dom0_mem=1G";
  freeKib = 8_388_608n;
  /** Whether the processor can run HVM and PVH guests. */
  hasHvm = true;

  constructor(options: FakeXenOptions) {
    this.#options = options;
    this.list.set(0, this.#made(0, { c_info: { type: "pv", name: "Domain-0" } }, false));
  }

  get watchers(): number {
    return Array.from(this.list.values()).reduce((sum, { watchers }) => sum + watchers.size, 0);
  }

  get ids(): number[] {
    return [...this.list.keys()].filter((id) => id !== 0);
  }

  /** Somebody else, `xl` say, makes a domain. */
  make(name: string, uuid: string): number {
    const config: DomainConfig = {
      c_info: { type: "pv", name, uuid },
      on_reboot: "restart",
      b_info: { max_memkb: 16_384, "type.pv": { kernel: "/k" } },
    };
    return this.#add(config, false);
  }

  /** Somebody else, `xl` say, calls a domain otherwise. */
  rename(domid: number, name: string): void {
    this.#get(domid).name = name;
    this.#options.later("a name", () => {
      for (const listener of this.names.get(domid) ?? []) listener();
    });
  }

  /** Somebody else pauses a domain, or lets it go on: nobody is told. */
  setPaused(domid: number, paused: boolean): void {
    const domain = this.#get(domid);
    domain.info = { ...domain.info, paused, running: !paused };
  }

  /** As the driver hears of its domains. */
  get asNews(): DomainNews {
    return {
      subscribe: (listener) => {
        this.news.add(listener);
        // As xenstored does of each new watch.
        this.#options.later("news", () => this.news.has(listener) && listener());
        return () => this.news.delete(listener);
      },
      followName: (domid, listener) => {
        const listeners = this.names.get(domid) ?? new Set();
        this.names.set(domid, listeners.add(listener));
        return () => listeners.delete(listener);
      },
    };
  }

  /** As a driver is opened on it. */
  get surroundings(): NonNullable<XenDriverOptions["xen"]> {
    return { calls: this, news: this.asNews, predecessors: Promise.resolve(), close: () => {} };
  }

  /** The guest ends by itself. */
  end(domid: number, reason: ShutdownReason): void {
    const domain = this.#get(domid);
    domain.info = { ...domain.info, running: false, shutdown: true, shutdownReason: reason };
    this.#tell(domain, { type: "shutdown", domid, reason });
  }

  /** The domain goes, by whoever's wish. */
  remove(domid: number): void {
    const domain = this.list.get(domid);
    if (domain === undefined) return;
    this.list.delete(domid);
    this.freeKib += domain.info.currentMemoryKib;
    this.#tell(domain, { type: "death", domid });
    this.#tellNews();
  }

  async domains(): Promise<readonly DomainInfo[]> {
    await this.#begin("domains");
    const found = Array.from(this.list.values(), ({ info }) => info);
    await this.#options.turn("the answer to domains");
    return found;
  }

  async domain(domid: number): Promise<DomainInfo | undefined> {
    await this.#begin("domain");
    return this.list.get(domid)?.info;
  }

  async nameOf(domid: number): Promise<string | undefined> {
    await this.#begin("nameOf");
    return this.list.get(domid)?.name;
  }

  /** Without a turn of its own: nothing hangs on when it is answered, and schedules grow with each turn. */
  async consolePath(): Promise<string> {
    this.calls.push("consolePath");
    this.#failAt("consolePath");
    return "/dev/pts/1";
  }

  async vcpus(domid: number): Promise<readonly VcpuInfo[]> {
    await this.#begin("vcpus");
    const { info, pins } = this.#get(domid);
    return Array.from({ length: info.maxVcpus }, (_, number) => {
      const online = number < info.onlineVcpus;
      const does = { online, running: online && info.running, blocked: false, cpuTimeNs: info.cpuTimeNs };
      return { number, cpu: 0, ...does, cpus: pins.get(number) ?? [0, 1, 2, 3] };
    });
  }

  async pinVcpu(domid: number, vcpu: number, cpus: readonly number[]): Promise<void> {
    await this.#begin("pinVcpu");
    this.#get(domid).pins.set(vcpu, cpus);
  }

  async setMemoryTarget(domid: number, kib: number): Promise<void> {
    await this.#change("setMemoryTarget", domid, { currentMemoryKib: BigInt(kib) }, ({ currentMemoryKib }) => {
      this.freeKib += currentMemoryKib - BigInt(kib);
      this.#get(domid).targetKib = BigInt(kib);
    });
  }

  /** Without a turn of its own, as `consolePath`. */
  async commandLine(): Promise<string> {
    return this.startedWith;
  }

  async neededMemory({ b_info }: DomainConfig): Promise<bigint> {
    await this.#begin("neededMemory");
    return BigInt(b_info?.target_memkb ?? 0) + 1024n;
  }

  async shiftMemoryTarget(domid: number, kib: number): Promise<bigint> {
    await this.#begin("shiftMemoryTarget");
    const domain = this.#get(domid);
    const target = domain.targetKib + BigInt(kib);
    if (target < 131_072n) throw new LibxlError(-6, "shiftMemoryTarget", { log: ["below the minimum threshold"] });
    domain.targetKib = target;
    return target;
  }

  /** The domain takes or gives away what its target asks for, or as much of it as that. */
  balloon(domid: number, most = 2n ** 60n): void {
    const domain = this.#get(domid);
    const { currentMemoryKib } = domain.info;
    const given = currentMemoryKib - domain.targetKib;
    const moved = given < most ? given : most;
    domain.info = { ...domain.info, currentMemoryKib: currentMemoryKib - moved };
    this.freeKib += moved;
  }

  async physical(): Promise<PhysicalInfo> {
    await this.#begin("physical");
    const memory = { totalMemoryKib: 16_777_216n, freeMemoryKib: this.freeKib };
    const processors = { threadsPerCore: 1, coresPerSocket: 4, cpus: 4, nodes: 1, cpuKhz: 2_000_000 };
    return { ...processors, ...memory, pv: true, hvm: this.hasHvm };
  }

  async topology(): Promise<HostTopology> {
    await this.#begin("topology");
    const nodes = [0, 1].map((id) => ({ id, memoryKib: 8_388_608n, freeKib: BigInt(4 - 3 * id) * 1_048_576n }));
    return { nodes, cpus: [0, 1, 2, 3].map((id) => ({ id, core: id >> 1, socket: 0, node: id >> 1 })) };
  }

  async scheduler(): Promise<SchedulerName> {
    await this.#begin("scheduler");
    return "credit2";
  }

  async schedule(domid: number): Promise<SchedulerParameters> {
    await this.#begin("schedule");
    return this.#get(domid).schedule;
  }

  async setSchedule(domid: number, parameters: SchedulerParameters): Promise<void> {
    await this.#begin("setSchedule");
    const domain = this.#get(domid);
    domain.schedule = { ...domain.schedule, ...parameters };
  }

  async setVcpus(domid: number, count: number): Promise<void> {
    await this.#change("setVcpus", domid, { onlineVcpus: count });
  }

  async pause(domid: number): Promise<void> {
    await this.#change("pause", domid, { paused: true, running: false });
  }

  async unpause(domid: number): Promise<void> {
    await this.#change("unpause", domid, { paused: false, running: true }, ({ paused }) => {
      // Xen counts.
      if (!paused) throw new LibxlError(-3, "unpause");
    });
  }

  async resume(domid: number): Promise<void> {
    await this.#begin("resume");
    const domain = this.#get(domid);
    const { shutdown, shutdownReason } = domain.info;
    if (!shutdown || shutdownReason !== "suspend") throw new LibxlError(-3, "resume");
    domain.info = { ...domain.info, shutdown: false, shutdownReason: "unknown", running: true };
    await this.#options.turn("the answer to resume");
  }

  async shutdown(domid: number): Promise<void> {
    await this.#ask("shutdown", domid, "poweroff");
  }

  async pressPowerButton(domid: number): Promise<void> {
    await this.#ask("pressPowerButton", domid, "poweroff");
  }

  async reboot(domid: number): Promise<void> {
    await this.#ask("reboot", domid, "reboot");
  }

  async watchDomain(domid: number, listener: (event: LibraryEvent) => unknown): Promise<Subscription> {
    await this.#begin("watchDomain");
    const domain = this.list.get(domid);
    if (domain === undefined) throw new StateError(`there is no domain ${domid}`);
    // One function twice is two watches. As libxl's, it tells of one shutdown, though a guest may go on after a suspending.
    let hasTold = false;
    const own = (event: LibraryEvent): unknown => {
      if (event.type === "shutdown" && hasTold) return undefined;
      hasTold ||= event.type === "shutdown";
      return listener(event);
    };
    domain.watchers.add(own);
    const { shutdown, shutdownReason: reason } = domain.info;
    if (shutdown)
      this.#options.later("a shutdown", () => domain.watchers.has(own) && own({ type: "shutdown", domid, reason }));
    await this.#options.turn("the answer to watchDomain");
    return { remove: () => domain.watchers.delete(own) } as unknown as Subscription;
  }

  async create(config: DomainConfig): Promise<number> {
    await this.#begin("create");
    encodeConfig(config);
    const domid = this.#add(config, true);
    await this.#options.turn("the answer to create");
    return domid;
  }

  async restore(
    config: DomainConfig,
    path: string,
    { skip = 0, signal }: { readonly skip?: number; readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    await this.#begin(`restore ${path.replace(/.*\//, "")} ${skip > 64}`);
    const domid = this.#add(config, true);
    await this.#cut("restore", signal);
    return domid;
  }

  async save(
    domid: number,
    path: string,
    { skip = 0, signal }: { readonly skip?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    await this.#begin("save");
    const domain = this.#get(domid);
    this.end(domid, "suspend");
    writeFileSync(path, `memory behind ${skip}`, { flag: "a" });
    await this.#cut("save", signal);
    this.#failAt("the writing of memory");
    if (this.list.get(domid) !== domain) throw new LibxlError(-21, "save");
  }

  async dump(domid: number, _path: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#begin("dump");
    this.#get(domid);
    await this.#cut("dump", signal);
  }

  async addDevice<K extends DeviceKind>(domid: number, kind: K, device: DeviceConfigs[K]): Promise<void> {
    await this.#begin("addDevice");
    encodeDevice(kind, device);
    const domain = this.#get(domid);
    domain.devices.push({ kind, name: nameOf(device) });
    const list = kind === "disk" ? "disks" : "nics";
    domain.config = { ...domain.config, [list]: [...(domain.config[list] ?? []), device] };
    await this.#options.turn("the answer to addDevice");
  }

  async removeDevice(domid: number, kind: DeviceKind, name: string): Promise<void> {
    await this.#begin("removeDevice");
    const domain = this.#get(domid);
    const { devices, config } = domain;
    const at = devices.findIndex((each) => each.kind === kind && each.name === name);
    if (at < 0) throw new LibxlError(-6, "removeDevice");
    devices.splice(at, 1);
    const { disks = [], nics = [] } = config;
    domain.config = {
      ...config,
      disks: disks.filter(({ vdev }) => vdev !== name),
      nics: nics.filter(({ mac }) => mac !== name),
    };
    await this.#options.turn("the answer to removeDevice");
  }

  /** "disk xvda": what a domain has now. */
  devicesOf(domid: number): string[] {
    return this.#get(domid).devices.map(({ kind, name }) => `${kind} ${name}`);
  }

  async configuration(domid: number): Promise<DomainConfig> {
    await this.#begin("configuration");
    return this.#get(domid).config;
  }

  async destroy(domid: number): Promise<void> {
    await this.#begin("destroy");
    if (!this.list.has(domid)) throw new LibxlError(-21, "destroy");
    this.remove(domid);
    await this.#options.turn("the answer to destroy");
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #begin(call: string): Promise<void> {
    this.calls.push(call);
    await this.#options.turn(call);
    this.#failAt(call);
  }

  /** libxl answers who has asked it to stop, and what was there then stays. */
  async #cut(call: string, signal: AbortSignal | undefined): Promise<void> {
    const aborted = new Deferred();
    const abort = (): void => {
      if (!this.isDeaf) aborted.reject(new LibxlError(-22, call, { cause: signal?.reason }));
    };
    signal?.addEventListener("abort", abort);
    try {
      await Promise.race([this.#options.turn(`the answer to ${call}`), aborted.promise]);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #failAt(what: string): void {
    const failure = this.failures.get(what) ?? this.obstacles.get(what);
    this.failures.delete(what);
    if (failure !== undefined) throw failure;
  }

  async #change(
    call: string,
    domid: number,
    change: Partial<DomainInfo>,
    check: (info: DomainInfo) => void = () => {},
  ): Promise<void> {
    await this.#begin(call);
    const domain = this.#get(domid);
    check(domain.info);
    domain.info = { ...domain.info, ...change };
    await this.#options.turn(`the answer to ${call}`);
  }

  async #ask(call: string, domid: number, reason: ShutdownReason): Promise<void> {
    await this.#begin(call);
    this.#get(domid);
    this.#options.later(`the guest heeds ${call}`, () => {
      const domain = this.list.get(domid);
      if (domain !== undefined && !domain.info.shutdown) this.end(domid, reason);
    });
  }

  #add(config: DomainConfig, paused: boolean): number {
    const domid = this.nextId++;
    const domain = this.#made(domid, config, paused);
    this.list.set(domid, domain);
    this.freeKib -= domain.info.currentMemoryKib;
    this.#tellNews();
    return domid;
  }

  #made(domid: number, config: DomainConfig, paused: boolean): FakeDomain {
    const kib = BigInt(config.b_info?.max_memkb ?? 1_048_576);
    const vcpus = config.b_info?.max_vcpus ?? 1;
    const info: DomainInfo = {
      domid,
      uuid: config.c_info?.uuid ?? "00000000-0000-0000-0000-000000000000",
      type: "pv",
      running: !paused,
      blocked: false,
      paused,
      shutdown: false,
      dying: false,
      shutdownReason: "unknown",
      currentMemoryKib: kib,
      maxMemoryKib: kib,
      cpuTimeNs: 1_000_000_000n,
      maxVcpus: vcpus,
      onlineVcpus: config.b_info?.avail_vcpus?.length ?? vcpus,
    };
    const disks = (config.disks ?? []).map((disk) => ({ kind: "disk" as const, name: nameOf(disk) }));
    const nics = (config.nics ?? []).map((nic) => ({ kind: "nic" as const, name: nameOf(nic) }));
    const schedule = { weight: 256, cap: 0 };
    const name = config.c_info?.name ?? "";
    const own = { pins: new Map(), devices: [...disks, ...nics], watchers: new Set<never>() };
    return { info, config, name, schedule, targetKib: kib, ...own };
  }

  #get(domid: number): FakeDomain {
    const domain = this.list.get(domid);
    if (domain === undefined) throw new LibxlError(-21, "domain");
    return domain;
  }

  #tell({ watchers }: FakeDomain, event: LibraryEvent): void {
    this.#options.later(event.type, () => {
      for (const watcher of watchers) watcher(event);
    });
  }

  #tellNews(): void {
    this.#options.later("news", () => {
      for (const listener of this.news) listener();
    });
  }
}

function nameOf(device: { readonly vdev?: string; readonly mac?: string }): string {
  return device.vdev ?? device.mac ?? "";
}
