import type { Transport } from "../../event/index.ts";
import type { Definition } from "../../model/index.ts";
import type { ProcessExit, ProcessIdentity, UserIdentity } from "../../os/index.ts";
import type { MonitorCommand } from "./command-line/index.ts";

/** A process of QEMU, held so that nobody else can be meant. */
export interface HeldProcess {
  readonly identity: ProcessIdentity;
  /** It has ended, or no signal changes any more how it will; it may be told later. True before its descriptors are closed. */
  readonly isEnding: boolean;
  /** False when it has ended. */
  signal(signal: "SIGTERM" | "SIGKILL"): boolean;
  /** Tells its end once, on the loop; not after `remove`. */
  onExit(listener: (exit: ProcessExit) => void): { remove(): void };
  /** Lets go of it; it goes on. */
  close(): void;
}

/** A running QEMU, and a connection to its monitor that nobody has opened yet. */
export interface Connected {
  readonly process: HeldProcess;
  readonly transport: Transport;
  /** What QEMU has printed since its launch, the end of it; empty when it was silent or is not known. */
  lastWords(): string;
}

/** How to start a companion: a process that serves a guest's QEMU. */
export interface CompanionLaunch {
  /** The device that it is for. */
  readonly name: string;
  readonly binary: string;
  /** Its socket, which listens, is descriptor 3. */
  readonly args: readonly string[];
  /** Where the socket is to be. */
  readonly socket: string;
  /** As whom QEMU will come to the socket. Default: as we do. */
  readonly client?: UserIdentity | undefined;
  /** As whom it runs. Default: as we do. */
  readonly user?: UserIdentity | undefined;
  /** What it prints is added to it. */
  readonly logPath: string;
}

export interface LaunchedCompanion {
  readonly process: HeldProcess;
  /** As in Connected. */
  lastWords(): string;
}

export interface LaunchPlan {
  /** What it runs as, as far as that is known before. */
  readonly definition: Definition;
  readonly binary: string;
  /** The listening socket of the monitor is descriptor 3, those of `fds` follow. */
  readonly args: readonly string[];
  /** What is in its environment beside what every QEMU has. */
  readonly environment?: Readonly<Record<string, string>>;
  /** To serve before QEMU is launched. */
  readonly companions?: readonly CompanionLaunch[];
  /** To be said on the monitor before the guest runs. */
  readonly commands?: readonly MonitorCommand[];
  /** Where the monitor is to be found again. */
  readonly monitorPath: string;
  /** What QEMU prints is added to it. */
  readonly logPath: string;
  /** As whom it runs. Default: as we do. */
  readonly user?: UserIdentity | undefined;
  /** Open for QEMU. They stay the plan's. */
  readonly fds?: readonly number[];
  /** Whether a port that was chosen for it is somebody's by now; of a QEMU that has ended: somebody else's. */
  readonly hasLostPort?: () => Promise<boolean>;
  /** Closes what is open for the plan, once QEMU has been launched, or will not be. Idempotent. */
  readonly release?: () => void;
}

/** What the driver needs of the machine to have guests. */
export interface QemuHost {
  /** Rejects with SystemError. */
  launch(plan: LaunchPlan): Promise<Connected>;
  /**
   * Finds the QEMU again that was launched earlier for this monitor; undefined when it is gone. Without an identity,
   * which the daemon before us did not live to write down, every process is looked at. Its monitor may be closed.
   * Throws SystemError when it cannot be told or taken hold of.
   */
  find(identity: ProcessIdentity | undefined, monitorPath: string): Connected | undefined;
  /** Its socket listens before it begins, so that nobody has to wait for it. Rejects with SystemError. */
  launchCompanion(launch: CompanionLaunch): Promise<LaunchedCompanion>;
  /** As `find`, of a companion. */
  findCompanion(identity: ProcessIdentity | undefined, socket: string): HeldProcess | undefined;
  /** Connects to a socket that a QEMU serves. Throws SystemError. */
  connect(path: string): Transport;
}
