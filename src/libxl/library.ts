import type { OseventHooks, OseventLibrary } from "../event/index.ts";
import type { DomainInfo, ShutdownReason, VcpuInfo } from "./domain-info.ts";
import type { HostTopology, PhysicalInfo, SchedulerName, SchedulerParameters } from "./host-info.ts";

/** What can be asked for and ends later. Descriptors stay the caller's, and open until then. */
export type Request =
  | { readonly call: "create"; readonly config: string }
  | { readonly call: "restore"; readonly config: string; readonly fd: number }
  | { readonly call: "save"; readonly domid: number; readonly fd: number; readonly live: boolean }
  | { readonly call: "dump"; readonly domid: number; readonly path: string }
  | { readonly call: "vcpus"; readonly domid: number; readonly count: number }
  | { readonly call: "addDevice"; readonly kind: DeviceKind; readonly domid: number; readonly config: string }
  /** `name`: as libxl finds it, a disk by its name in the guest and a network card by its address. */
  | { readonly call: "removeDevice"; readonly kind: DeviceKind; readonly domid: number; readonly name: string }
  | { readonly call: "configuration" | PlainCall; readonly domid: number };

/** What can come and go while a domain runs. */
export type DeviceKind = "disk" | "nic";

export type PlainCall = "pause" | "unpause" | "resume" | "shutdown" | "pressPowerButton" | "reboot" | "destroy";

/** How an operation ended: `domid` of what was created or restored, `config` for "configuration". */
export interface Completion {
  readonly rc: number;
  readonly domid?: number;
  readonly config?: string;
}

export type LibraryEvent =
  | { readonly type: "shutdown"; readonly domid: number; readonly reason: ShutdownReason }
  | { readonly type: "death"; readonly domid: number }
  | { readonly type: "eject"; readonly domid: number; readonly vdev: string };

/*
 * What the library tells us is told on the loop's thread, but from inside a call of the library: whoever listens notes it
 * and returns, and calls the library from a later turn only.
 */

export interface LibraryListener<P> {
  readonly hooks: OseventHooks<P>;
  /** libxl is broken beyond repair: events may be missing from here on, and the context can only be closed. */
  disaster(message: string): void;
  /** A function of ours that the library called has thrown; the library was told that it failed. */
  failed(error: unknown): void;
}

export interface RequestListener {
  /** Once; after it the library has done with everything that the request named. */
  ended(completion: Completion): void;
  /** The console of a domain that is being created can be opened. */
  consoleAvailable(domid: number): void;
}

/** An operation that was begun. abort asks the library to cut it short, and is refused once it has ended. */
export interface Running {
  abort(): number;
}

/** Events of one kind are told until `disable`. */
export interface Generator {
  disable(): void;
}

/**
 * One context of libxl, without a notion of promises, loops or deadlines. A negative number is libxl's error.
 * `P` is a pointer of the library's.
 *
 *     made -> attached -> disposed
 *
 * attach:  made -> attached; before anything else.
 * dispose: any -> disposed; once no operation, timeout or call is out. It deregisters the last descriptors.
 *
 * Everything is called on one thread, and nothing from inside a listener.
 */
export interface Library<P> extends OseventLibrary<P> {
  readonly version: string;
  attach(listener: LibraryListener<P>): void;
  dispose(): void;
  domains(): DomainInfo[] | number;
  domain(domid: number): DomainInfo | number;
  nameOf(domid: number): string | undefined;
  consolePath(domid: number): string | number;
  vcpus(domid: number): VcpuInfo[] | number;
  pinVcpu(domid: number, vcpu: number, cpus: readonly number[]): number;
  setMemoryTarget(domid: number, kib: number): number;
  /** Up by so much, or down when it is negative; the new target, in KiB, which the domain may go beyond. */
  shiftMemoryTarget(domid: number, kib: number): bigint | number;
  /** Of a domain of that configuration, in KiB. */
  neededMemory(config: string): bigint | number;
  /** With which the hypervisor was started. */
  commandLine(): string | number;
  physical(): PhysicalInfo | number;
  topology(): HostTopology | number;
  scheduler(): SchedulerName;
  schedule(domid: number): SchedulerParameters | number;
  setSchedule(domid: number, parameters: SchedulerParameters): number;
  /** `ended` may be called before this returns; with a number it never is. */
  start(request: Request, listener: RequestListener): Running | number;
  onDeath(domid: number, listener: (event: LibraryEvent) => void): Generator | number;
  onEject(domid: number, vdev: string, listener: (event: LibraryEvent) => void): Generator | number;
  /** A child of this process has ended; it may be the library's. */
  childEnded(): void;
}
