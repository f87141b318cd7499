/** A process that must serve its socket before QEMU starts, and lives as long. */
export interface Companion {
  /** The device that it is for: its alias. */
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  /** Where it listens. */
  readonly socket: string;
  /** What it keeps: to be made, for it alone, where it is not there. */
  readonly stateDirectory?: string;
  /** To be run, to its end, when the state is new. */
  readonly setup?: { readonly binary: string; readonly args: readonly string[] };
}
