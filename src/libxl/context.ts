import { DeadlineError, Deferred, type Loop, OseventHooks, StateError } from "../event/index.ts";
import { type DeviceConfigs, type DomainConfig, decodeConfig, encodeConfig, encodeDevice } from "./config.ts";
import type { DomainInfo, VcpuInfo } from "./domain-info.ts";
import { DomainWatch } from "./domain-watch.ts";
import { domainNotFound, LibxlError } from "./error.ts";
import type { HostTopology, PhysicalInfo, SchedulerName, SchedulerParameters } from "./host-info.ts";
import type { Completion, DeviceKind, Library, LibraryEvent, PlainCall, Request } from "./library.ts";
import { Operation, type OperationOptions } from "./operation.ts";

export interface CreateOptions extends OperationOptions {
  /** The domain's console can be opened, which is before it is created. */
  readonly onConsole?: (domid: number) => void;
}

export interface SaveOptions extends OperationOptions {
  /** The guest goes on while most of its memory is written. Default false. */
  readonly live?: boolean;
}

export interface ContextOptions<P = never> {
  /** Milliseconds since 1970: the clock of libxl's timeouts. */
  readonly wallClock: () => number;
  /** libxl is broken beyond repair and says why: events may be missing, and the context can only be closed. */
  readonly onDisaster: (message: string) => void;
  /** For tests: so many turns of the loop after its time each call into the library is made. Default 0. */
  readonly holdBack?: () => number;
  /** For tests: a call about what the library had called so came late, and was not made. */
  onLate?(forLibrary: P, fd: number | undefined): void;
  /** Hands on what libxl has logged so far. Default: there is no log. */
  readonly readLog?: () => void;
  /** After the library was disposed of. */
  readonly onClosed?: () => void;
}

/**
 * A context of libxl, on a loop.
 *
 *     open -> closing -> closed
 *
 * Operations, events and descriptors of libxl are served by the loop's turns, and everything here is called on the loop's
 * thread. Nothing of the caller's ever runs inside a call of libxl. `domains` and the like ask the hypervisor
 * synchronously, in less than a millisecond. Building a domain blocks the thread for a second, whatever libxl calls
 * asynchronous: where anything else must go on meanwhile, that belongs in a process of its own.
 *
 * An open context keeps the process alive. Closed it must be before its loop is.
 * close: open -> closing: watches are removed, operations aborted and waited for, timeouts completed, and the library
 *        disposed of. DeadlineError when that takes too long: then nothing is freed that libxl may still use. Idempotent.
 */
export class Context<P = unknown> {
  readonly #loop: Loop;
  readonly #library: Library<P>;
  readonly #hooks: OseventHooks<P>;
  readonly #options: ContextOptions<P>;
  readonly #operations = new Set<Operation>();
  readonly #watches = new Set<DomainWatch>();
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  constructor(loop: Loop, library: Library<P>, options: ContextOptions<P>) {
    this.#loop = loop;
    this.#library = library;
    this.#options = options;
    this.#hooks = new OseventHooks(loop, library, options);
    library.attach({
      hooks: this.#hooks,
      disaster: (message) => this.#loop.post(() => options.onDisaster(message)),
      failed: (error) =>
        this.#loop.post(() => {
          throw error;
        }),
    });
  }

  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** Of the library: "4.17". */
  get version(): string {
    return this.#library.version;
  }

  /** What libxl has registered with the loop, descriptors and timeouts, and operations that have not ended. */
  get outstanding(): { readonly registrations: number; readonly operations: number; readonly watches: number } {
    const { size: registrations } = this.#hooks;
    return { registrations, operations: this.#operations.size, watches: this.#watches.size };
  }

  /** Calls that came when what they were about had ended, and that libxl has not heard. */
  get lateCalls(): number {
    return this.#hooks.late;
  }

  /** All domains, domain 0 first. */
  domains(): DomainInfo[] {
    this.#checkOpen();
    return this.#checked(this.#library.domains(), "libxl_list_domain");
  }

  /** Undefined when there is no such domain. */
  domain(domid: number): DomainInfo | undefined {
    this.#checkOpen();
    const info = this.#library.domain(domid);
    return info === domainNotFound ? undefined : this.#checked(info, "libxl_domain_info");
  }

  /** Undefined when there is no such domain, or it has no name. */
  nameOf(domid: number): string | undefined {
    this.#checkOpen();
    return this.#library.nameOf(domid);
  }

  /** The pseudo-terminal of the domain's first console. */
  consolePath(domid: number): string {
    this.#checkOpen();
    return this.#checked(this.#library.consolePath(domid), "libxl_primary_console_get_tty");
  }

  /** The domain's virtual CPUs, in the order of their numbers. */
  vcpus(domid: number): VcpuInfo[] {
    this.#checkOpen();
    return this.#checked(this.#library.vcpus(domid), "libxl_list_vcpu");
  }

  /** A virtual CPU runs on these CPUs of the host's alone. */
  pinVcpu(domid: number, vcpu: number, cpus: readonly number[]): void {
    this.#checkOpen();
    const rc = this.#library.pinVcpu(domid, vcpu, cpus);
    if (rc !== 0) throw new LibxlError(rc, "libxl_set_vcpuaffinity");
  }

  setMemoryTarget(domid: number, kib: number): void {
    this.#checkOpen();
    const rc = this.#library.setMemoryTarget(domid, kib);
    if (rc !== 0) throw new LibxlError(rc, "libxl_set_memory_target");
  }

  /**
   * The domain is to take so much more, or to give it away when it is negative. Returns what it is to come to, in KiB; `domain`
   * says how far it is. Unlike `setMemoryTarget` it does not keep the domain from having more.
   */
  shiftMemoryTarget(domid: number, kib: number): bigint {
    this.#checkOpen();
    return this.#checked(this.#library.shiftMemoryTarget(domid, kib), "libxl_set_memory_target");
  }

  /** How much memory has to be free before a domain of that configuration can be built, in KiB. */
  neededMemory(config: DomainConfig): bigint {
    this.#checkOpen();
    return this.#checked(this.#library.neededMemory(encodeConfig(config)), "libxl_domain_need_memory");
  }

  /** With which the hypervisor was started. */
  commandLine(): string {
    this.#checkOpen();
    return this.#checked(this.#library.commandLine(), "libxl_get_version_info");
  }

  /** The machine. */
  physical(): PhysicalInfo {
    this.#checkOpen();
    return this.#checked(this.#library.physical(), "libxl_get_physinfo");
  }

  topology(): HostTopology {
    this.#checkOpen();
    return this.#checked(this.#library.topology(), "libxl_get_numainfo or libxl_get_cpu_topology");
  }

  scheduler(): SchedulerName {
    this.#checkOpen();
    return this.#library.scheduler();
  }

  schedule(domid: number): SchedulerParameters {
    this.#checkOpen();
    return this.#checked(this.#library.schedule(domid), "libxl_domain_sched_params_get");
  }

  /** What is left out stays as it is. */
  setSchedule(domid: number, parameters: SchedulerParameters): void {
    this.#checkOpen();
    const rc = this.#library.setSchedule(domid, parameters);
    if (rc !== 0) throw new LibxlError(rc, "libxl_domain_sched_params_set");
  }

  /** The new domain's number; it is paused. */
  async create(config: DomainConfig, options: CreateOptions = {}): Promise<number> {
    return domidOf(await this.#run({ call: "create", config: encodeConfig(config) }, options));
  }

  /** The new domain's number; it is paused. `fd` is read from where it stands, and stays the caller's. */
  async restore(config: DomainConfig, fd: number, options: CreateOptions = {}): Promise<number> {
    return domidOf(await this.#run({ call: "restore", config: encodeConfig(config), fd }, options));
  }

  /** Writes the domain's memory to `fd`, which stays the caller's. Afterwards the domain is shut down, for "suspend". */
  async save(domid: number, fd: number, options: SaveOptions = {}): Promise<void> {
    await this.#run({ call: "save", domid, fd, live: options.live ?? false }, options);
  }

  /** Writes a core dump of the domain to a file. */
  async dump(domid: number, path: string, options: OperationOptions = {}): Promise<void> {
    await this.#run({ call: "dump", domid, path }, options);
  }

  /** The configuration with which the domain could be made again. */
  async configuration(domid: number, options: OperationOptions = {}): Promise<DomainConfig> {
    const { config = "{}" } = await this.#run({ call: "configuration", domid }, options);
    return decodeConfig(config);
  }

  /** Brings the first `count` virtual CPUs online and the others off; the guest has to do its part. */
  async setVcpus(domid: number, count: number, options: OperationOptions = {}): Promise<void> {
    if (!Number.isSafeInteger(count) || count < 1 || count > maxVcpus) {
      throw new RangeError(`a domain has 1 to ${maxVcpus} virtual CPUs, not ${count}`);
    }
    await this.#run({ call: "vcpus", domid, count }, options);
  }

  /** The domain has it, and the guest is told; whether it takes it into use is its own affair. */
  async addDevice<K extends DeviceKind>(
    domid: number,
    kind: K,
    device: DeviceConfigs[K],
    options: OperationOptions = {},
  ): Promise<void> {
    await this.#run({ call: "addDevice", kind, domid, config: encodeDevice(kind, device) }, options);
  }

  /**
   * `name`: of a disk in the guest, or a network card's address. A guest that does not let go of it in 10 s is not asked
   * any longer. LibxlError when there is none.
   */
  async removeDevice(domid: number, kind: DeviceKind, name: string, options: OperationOptions = {}): Promise<void> {
    await this.#run({ call: "removeDevice", kind, domid, name }, options);
  }

  async pause(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("pause", domid, options);
  }

  async unpause(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("unpause", domid, options);
  }

  /**
   * Has a guest go on that was suspended to be saved, and was not: libxl leaves it so. No watch that has told of the
   * suspending tells of a later shutdown. LibxlError when it is not suspended.
   */
  async resume(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("resume", domid, options);
  }

  /** Asks the guest; that it obeys is told by its "shutdown" event. LibxlError "NOPARAVIRT": it does not know Xen. */
  async shutdown(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("shutdown", domid, options);
  }

  /** As `shutdown`, of a guest that has ACPI. */
  async pressPowerButton(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("pressPowerButton", domid, options);
  }

  /** As `shutdown`, with the reason "reboot": to create it again is the caller's part. */
  async reboot(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("reboot", domid, options);
  }

  async destroy(domid: number, options: OperationOptions = {}): Promise<void> {
    await this.#plain("destroy", domid, options);
  }

  /** The domain's "shutdown" (it stopped, and is still there) and "death" (it is gone). The listener may be async. */
  watchDomain(domid: number, listener: (event: LibraryEvent) => unknown): DomainWatch {
    return this.#watch("libxl_evenable_domain_death", (tell) => this.#library.onDeath(domid, tell), listener);
  }

  /** The guest ejects what is in a drive. */
  watchEject(domid: number, vdev: string, listener: (event: LibraryEvent) => unknown): DomainWatch {
    return this.#watch("libxl_evenable_disk_eject", (tell) => this.#library.onEject(domid, vdev, tell), listener);
  }

  /** To be called when a child of this process has ended. */
  childEnded(): void {
    this.#loop.post(() => {
      if (this.#state !== "closed") this.#library.childEnded();
    });
  }

  close(timeoutMs = 60_000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#state = "closing";
    for (const watch of this.#watches) watch.remove();
    for (const operation of this.#operations) operation.abort(new StateError("the context was closed"));
    await this.#quiet(timeoutMs);
    this.#library.dispose();
    this.#hooks.close();
    this.#state = "closed";
    this.#options.onClosed?.();
  }

  /** Resolves when the library has nothing under way. */
  #quiet(timeoutMs: number): Promise<void> {
    const quiet = new Deferred();
    const late = (): void => {
      const { operations, registrations } = this.outstanding;
      const what = `${operations} operations and ${registrations} registrations are left`;
      quiet.reject(new DeadlineError(`the context could not be closed: ${what}`));
    };
    const timeout = this.#loop.timeout(this.#loop.now() + timeoutMs, late, { name: "the closing of a context" });
    quiet.whenSettled(() => timeout.remove());
    const ended = [...this.#operations].map(({ finished }) => finished.promise);
    // In a later turn: a timeout's completion may still be on its way back through the library.
    void Promise.all(ended)
      .then(() => this.#hooks.drain())
      .then(() => this.#loop.post(() => quiet.resolve()));
    return quiet.promise;
  }

  async #plain(call: PlainCall, domid: number, options: OperationOptions): Promise<void> {
    await this.#run({ call, domid }, options);
  }

  #run(request: Request, options: CreateOptions): Promise<Completion> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const readLog = this.#options.readLog ?? (() => {});
    const operation = new Operation({ loop: this.#loop, readLog }, request.call, options.onConsole);
    this.#operations.add(operation);
    operation.finished.whenSettled(() => this.#operations.delete(operation));
    try {
      operation.begun(this.#library.start(request, operation), options);
    } catch (error) {
      this.#operations.delete(operation);
      throw error;
    }
    return operation.settled.promise;
  }

  /** What libxl complains of belongs to whatever is under way. */
  noteComplaint(message: string): void {
    for (const { log } of this.#operations) log.push(message);
  }

  #watch(
    call: string,
    enable: ConstructorParameters<typeof DomainWatch>[2],
    listener: (event: LibraryEvent) => unknown,
  ) {
    this.#checkOpen();
    const watch = new DomainWatch(this.#loop, call, enable, listener, (removed) => this.#watches.delete(removed));
    this.#watches.add(watch);
    return watch;
  }

  #checked<T>(result: T | number, call: string): T {
    if (typeof result === "number") throw new LibxlError(result, call);
    return result;
  }

  #checkOpen(): void {
    if (this.#state !== "open") throw new StateError(`the context is ${this.#state}`);
  }
}

/** Xen's own limit for any guest. */
const maxVcpus = 8192;

function domidOf({ domid }: Completion): number {
  if (domid === undefined) throw new Error("libxl created a domain and does not say which");
  return domid;
}
