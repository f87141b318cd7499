import type { Loop } from "../../event/index.ts";
import type { Completion, Definition, DefinitionStore } from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { PartsOptions } from "./command-line/index.ts";
import type { LaunchPlan, QemuHost } from "./host.ts";
import type { SharedResources } from "./host-side/shared-resources.ts";
import type { RunRecords } from "./run-record.ts";
import type { Loans } from "./security/loans.ts";
import type { Told } from "./told.ts";

/** What `Guests` stands on. */
export interface GuestsOptions {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly store: Pick<DefinitionStore, "load" | "save" | "remove">;
  readonly records: Pick<
    RunRecords,
    "monitorPath" | "channelDirectory" | "checkFree" | "write" | "remove" | "readAll" | "close"
  >;
  /** From launch to the monitor's readiness. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  /** What every definition that comes from outside is completed with. */
  readonly complete: Completion;
  /** What a guest's devices depend on beside its definition. */
  readonly partsOptions: (definition: Definition) => PartsOptions;
  /** What devices may have of the machine. Absent: nothing. */
  readonly shared?: SharedResources;
  /** The files that QEMU's user is given. Absent: none is. */
  readonly loans?: Pick<Loans, "lend" | "takeBack" | "borrowers">;
  /** Removes what companions keep for a guest that does not exist any more. Absent: they keep nothing. */
  readonly forgetState?: (uuid: string) => Promise<void>;
  /** Checks what the guest needs, and says how to launch it. */
  readonly plan: (definition: Definition) => Promise<LaunchPlan>;
  /** Resolves when no sudden end of ours makes it untold; undefined: it is so already. */
  readonly publish: (event: DomainEvent) => Promise<void> | undefined;
  /** Resolves when everybody has been told of all that was published. Absent: at once. */
  readonly told?: () => Promise<void>;
  /** The number of the last event. */
  readonly position?: () => number;
  /** What has been told of the domain behind that number: by the daemon before us. Absent: all that it knew. */
  readonly toldOf?: (uuid: string, since: number) => Told;
  /** Writes something into the domain's log. */
  readonly note?: (definition: Definition, text: string) => void;
  /** Hears of what went wrong where no caller is to be told. */
  readonly report: (error: unknown) => void;
}
