import type { ProcessExit, ProcessIdentity, TapQueueOptions } from "../../os/index.ts";
import type { Programs } from "../programs.ts";

/** A dnsmasq, held so that nobody else can be meant. */
export interface LeaseServer {
  readonly identity: ProcessIdentity;
  /** False when it has ended. */
  signal(signal: "SIGTERM" | "SIGKILL"): boolean;
  /** Tells its end once, on the loop; not after `remove`. */
  onExit(listener: (exit: ProcessExit) => void): { remove(): void };
  /** Lets go of it; it goes on. */
  close(): void;
}

/** A way that packets take over IPv4, in the numbers of its addresses. */
export interface Route {
  readonly device: string;
  readonly destination: number;
  readonly mask: number;
}

/** A descriptor of a tap device. */
export interface TapQueue {
  readonly fd: number;
  /** Idempotent. */
  close(): void;
}

/** What networks need of the machine. */
export interface NetworkMachine {
  readonly programs: Programs;
  /** Until the next boot the same: what was noted down under another one is no more. */
  readonly boot: string;
  /** The network devices there are. Rejects with Node's error, as all here. */
  devices(): Promise<ReadonlySet<string>>;
  /** The hardware's address of a device; undefined when there is no such device. */
  macOf(device: string): Promise<string | undefined>;
  /** What is plugged into a bridge. */
  portsOf(bridge: string): Promise<readonly string[]>;
  routes(): Promise<readonly Route[]>;
  /** Bridges that libvirt's networks have or will have. */
  foreignBridges(): Promise<ReadonlySet<string>>;
  /** Sets a value below /proc/sys/net. */
  setKernelValue(path: string, value: string): Promise<void>;
  /**
   * A descriptor of a tap device, which is gone with the last one if this made it. Throws Node's error without the kernel's
   * door to such devices, SystemError when the kernel refuses.
   */
  openTap(name: string, options: TapQueueOptions): TapQueue;
  /** The process whose number is in the file, if its command line names `argument`. Throws SystemError. */
  findByFile(pidFile: string, argument: string): LeaseServer | undefined;
  /** Some process whose command line names `argument`: for one that nobody has noted down. Throws SystemError. */
  findByArgument(argument: string): LeaseServer | undefined;
  /** The process with this identity, if it runs and its command line names `argument`. Throws SystemError. */
  find(identity: ProcessIdentity, argument: string): LeaseServer | undefined;
}
