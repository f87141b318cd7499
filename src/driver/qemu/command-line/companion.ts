/** A process that serves a socket for QEMU, and lives as long. */
export interface Companion {
  /** The device that it is for: its alias. */
  readonly name: string;
  readonly binary: string;
  /** Its socket, which listens, is `companionSocket`. */
  readonly args: readonly string[];
  /** Where QEMU finds it. */
  readonly socket: string;
  /** As whom it runs when we are root, where the host has that account; absent: as we do. */
  readonly account?: string;
  /** Debian's name for what has the binary. */
  readonly packages: string;
  /** What it keeps: to be made, for it alone, where it is not there. */
  readonly stateDirectory?: string;
  /** To be run, to its end, when the state is new. */
  readonly setup?: { readonly binary: string; readonly args: readonly string[] };
}

/** The descriptor of a companion's socket. */
export const companionSocket = 3;
