import type { Random } from "../../../fuzz/random.ts";
import type { DaemonClient } from "../killed-daemon/daemon-client.ts";
import type { DaemonLife } from "../killed-daemon/daemon-life.ts";
import type { ScriptGuest, Step } from "../rounds/script.ts";
import type { Leftovers } from "./xen-leftovers.ts";

export type LibxlRole = "observer" | "operations";

/** The Xen on which guests are tried: the real one of a lab, or one that is simulated. */
export interface XenHost {
  readonly script: readonly Step<ScriptGuest>[];
  /** The program of a daemon that serves on the socket it is given. */
  readonly daemon: string;
  /** How long a guest may take to do what it was asked. */
  readonly heardMs: number;
  definitionOf(dom: { readonly name: string; readonly uuid: string }): string;
  /** Ends one of the processes with a context of libxl, as by kill -9; false: there is none. */
  kill(role: LibxlRole, random: Random): boolean;
  /** What there is beside and in a daemon whose files are in `directory`. */
  look(directory: string, life: DaemonLife): Promise<Leftovers>;
  /** What others do to guests beside the daemon is seen. Resolves with what is not, in words. */
  lookBeside?(client: DaemonClient, directory: string): Promise<string[]>;
  /** How many processes with a context of libxl are there when the daemon has ended. */
  outliving(): Promise<number>;
}
