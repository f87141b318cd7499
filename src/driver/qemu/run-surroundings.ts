import type { Loop } from "../../event/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { QemuHost } from "./host.ts";
import type { MemorySource } from "./memory-stream.ts";
import type { Run } from "./run.ts";
import type { RunRecords } from "./run-record.ts";

/** What all runs of a driver have in common. */
export interface RunSurroundings {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly records: Pick<RunRecords, "write">;
  /** From launch to the monitor's readiness. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  /** Resolves when no end of ours makes it untold; undefined: it is so already. */
  publish(event: DomainEvent): Promise<void> | undefined;
  /** The run is over, and the domain inactive; it may not exist any more. `served`: its companions are gone, too. */
  onGone(served: Promise<void> | undefined): void;
  /** Everybody can hear of its end when `told` has resolved: the record may go then. */
  forget(told: Promise<void> | undefined): void;
  /** Does something about what happened in the guest, as a job of its domain. */
  react(operation: string, act: () => Promise<void>): void;
  /** The guest has crashed, and its memory is to be kept. Under the domain's job. */
  keepCrash(run: Run): Promise<void>;
  /** Writes down what happened, for people. */
  note(text: string): void;
  /** Hears of what went wrong where nobody is to be told. */
  readonly report: (error: unknown) => void;
}

/** How a run begins. */
export interface BootManner {
  readonly paused: boolean;
  /** The memory that it goes on with; absent: it begins anew. */
  readonly from?: MemorySource | undefined;
}
