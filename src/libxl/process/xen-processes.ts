import { randomUUID } from "node:crypto";
import type { Loop } from "../../event/index.ts";
import type { DeviceConfigs, DomainConfig } from "../config.ts";
import { encodeConfig } from "../config.ts";
import type { DomainInfo, VcpuInfo } from "../domain-info.ts";
import { LibxlError } from "../error.ts";
import type { HostTopology, PhysicalInfo, SchedulerName, SchedulerParameters } from "../host-info.ts";
import type { DeviceKind, LibraryEvent } from "../library.ts";
import type { LogLine } from "../log-line.ts";
import { type CallOptions, ProcessEndedError } from "./context-client.ts";
import type { Launch } from "./launch.ts";
import { Observer, type Subscription } from "./observer.ts";
import { OperationPool } from "./operation-pool.ts";
import type { CallName, Calls } from "./wire.ts";

export interface FileOptions extends CallOptions {
  /** So many bytes at the file's start are the caller's, and there already; libxl's come behind them. Default 0. */
  readonly skip?: number;
}

export interface XenProcessesOptions {
  readonly launch: Launch;
  /** How many operations may go on at once, and as many more that read or write a guest's memory. Default 2. */
  readonly operations?: number;
  readonly onLog?: (line: LogLine) => void;
  /** A process has ended by itself. What was under way in it has been told already; nothing has to be done. */
  readonly onProcessEnded?: (error: Error) => void;
}

/**
 * libxl, in processes of its own: whatever it does, it does not block this one nor take it along.
 *
 *     open -> closed
 *
 * One process observes: it lists, looks, pauses and tells events, and is started again when it ends; what it was to look at
 * the next one looks at. A few others build and destroy, and others again read and write the memory of guests: that takes as
 * long as the disk does, and nobody else waits for it. When one of them ends, its operation fails with ProcessEndedError; how
 * far a save or a destroy had come, the domain's state says. What was half built when that ended, or was aborted, is destroyed.
 * close: what was begun is ended by the processes, but not waited for. Idempotent.
 */
export class XenProcesses {
  readonly #observer: Observer;
  readonly #pool: OperationPool;
  readonly #memoryPool: OperationPool;
  readonly #onProcessEnded: (error: Error) => void;

  constructor(loop: Loop, options: XenProcessesOptions) {
    const { launch, operations = 2, onLog = () => {}, onProcessEnded = () => {} } = options;
    this.#onProcessEnded = onProcessEnded;
    this.#observer = new Observer(loop, { launch, onLog, onRestart: onProcessEnded });
    const pool = { launch, limit: operations, onLog };
    this.#pool = new OperationPool(loop, pool);
    this.#memoryPool = new OperationPool(loop, pool);
  }

  domains(): Promise<readonly DomainInfo[]> {
    return this.#observer.call("domains", []);
  }

  async domain(domid: number): Promise<DomainInfo | undefined> {
    return (await this.#observer.call("domain", [domid])) ?? undefined;
  }

  async nameOf(domid: number): Promise<string | undefined> {
    return (await this.#observer.call("nameOf", [domid])) ?? undefined;
  }

  /** The path of a pseudo-terminal. */
  consolePath(domid: number): Promise<string> {
    return this.#observer.call("consolePath", [domid]);
  }

  /** As the context's. */
  vcpus(domid: number): Promise<readonly VcpuInfo[]> {
    return this.#observer.call("vcpus", [domid]);
  }

  /** As the context's. */
  async pinVcpu(domid: number, vcpu: number, cpus: readonly number[]): Promise<void> {
    await this.#observer.call("pinVcpu", [domid, vcpu, cpus]);
  }

  async setMemoryTarget(domid: number, kib: number): Promise<void> {
    await this.#observer.call("setMemoryTarget", [domid, kib]);
  }

  /** As the context's. */
  shiftMemoryTarget(domid: number, kib: number): Promise<bigint> {
    return this.#observer.call("shiftMemoryTarget", [domid, kib]);
  }

  /** As the context's. */
  neededMemory(config: DomainConfig): Promise<bigint> {
    return this.#observer.call("neededMemory", [config]);
  }

  /** As the context's. */
  commandLine(): Promise<string> {
    return this.#observer.call("commandLine", []);
  }

  /** The machine. */
  physical(): Promise<PhysicalInfo> {
    return this.#observer.call("physical", []);
  }

  topology(): Promise<HostTopology> {
    return this.#observer.call("topology", []);
  }

  scheduler(): Promise<SchedulerName> {
    return this.#observer.call("scheduler", []);
  }

  schedule(domid: number): Promise<SchedulerParameters> {
    return this.#observer.call("schedule", [domid]);
  }

  /** What is left out stays as it is. */
  async setSchedule(domid: number, parameters: SchedulerParameters): Promise<void> {
    await this.#observer.call("setSchedule", [domid, parameters]);
  }

  /** How many virtual CPUs are online, the first ones. */
  async setVcpus(domid: number, count: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("setVcpus", [domid, count], options);
  }

  async pause(domid: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("pause", [domid], options);
  }

  async unpause(domid: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("unpause", [domid], options);
  }

  /** As the context's. */
  async resume(domid: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("resume", [domid], options);
  }

  async shutdown(domid: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("shutdown", [domid], options);
  }

  async pressPowerButton(domid: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("pressPowerButton", [domid], options);
  }

  async reboot(domid: number, options?: CallOptions): Promise<void> {
    await this.#observer.call("reboot", [domid], options);
  }

  /** Its "shutdown" at most once and its "death" once, also across restarts of the observer. */
  watchDomain(domid: number, listener: (event: LibraryEvent) => unknown): Promise<Subscription> {
    return this.#observer.watch(domid, listener);
  }

  create(config: DomainConfig, options?: CallOptions): Promise<number> {
    return this.#build(config, (named) => this.#operate("create", [named], options));
  }

  /** From a file that `save` has written. */
  restore(config: DomainConfig, path: string, options: FileOptions = {}): Promise<number> {
    return this.#build(config, (named) => this.#operate("restore", [named, path, options.skip ?? 0], options));
  }

  /** Into a new file, or one that is written over. Afterwards the domain is shut down, for "suspend". */
  async save(domid: number, path: string, options: FileOptions & { readonly live?: boolean } = {}): Promise<void> {
    await this.#operate("save", [domid, path, options.live ?? false, options.skip ?? 0], options);
  }

  async dump(domid: number, path: string, options?: CallOptions): Promise<void> {
    await this.#operate("dump", [domid, path], options);
  }

  configuration(domid: number, options?: CallOptions): Promise<DomainConfig> {
    return this.#observer.call("configuration", [domid], options);
  }

  async addDevice<K extends DeviceKind>(
    domid: number,
    kind: K,
    device: DeviceConfigs[K],
    options?: CallOptions,
  ): Promise<void> {
    await this.#operate("addDevice", [domid, kind, device], options);
  }

  async removeDevice(domid: number, kind: DeviceKind, name: string, options?: CallOptions): Promise<void> {
    await this.#operate("removeDevice", [domid, kind, name], options);
  }

  async destroy(domid: number, options?: CallOptions): Promise<void> {
    await this.#operate("destroy", [domid], options);
  }

  async close(): Promise<void> {
    this.#pool.close();
    this.#memoryPool.close();
    await this.#observer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #operate<C extends CallName>(
    call: C,
    args: Calls[C]["args"],
    options: CallOptions = {},
  ): Promise<Calls[C]["result"]> {
    const pool = memoryCalls.has(call) ? this.#memoryPool : this.#pool;
    return pool.run((client) => client.call(call, args, options), options.signal);
  }

  /** A domain has a uuid before it has a number: so one whose builder has ended can be found, and no other is taken for it. */
  async #build(config: DomainConfig, build: (named: DomainConfig) => Promise<number>): Promise<number> {
    const uuid = config.c_info?.uuid ?? randomUUID();
    const named = { ...config, c_info: { ...config.c_info, uuid } };
    encodeConfig(named);
    try {
      return await build(named);
    } catch (error) {
      if (error instanceof ProcessEndedError) this.#onProcessEnded(error);
      if (mayLeaveHalf(error)) await this.#destroyHalfBuilt(uuid);
      throw error;
    }
  }

  async #destroyHalfBuilt(uuid: string): Promise<void> {
    const left = (await this.domains()).filter((domain) => domain.uuid === uuid.toLowerCase());
    for (const { domid } of left) await this.destroy(domid);
  }
}

/** How long these take the disk says. */
const memoryCalls: ReadonlySet<CallName> = new Set<CallName>(["restore", "save", "dump"]);

/** Building has failed so that libxl may not have taken away what there was of the domain. */
export function mayLeaveHalf(error: unknown): boolean {
  return error instanceof ProcessEndedError || (error instanceof LibxlError && error.code === "ABORTED");
}
