import { DomainReason, Lifecycle } from "../../protocol/index.ts";
import type { RunEnding } from "./run-record.ts";

/** The signs of a run's end. */
export interface EndingSigns {
  readonly hasStarted: boolean;
  /** What was decided of it. */
  readonly ending: RunEnding | undefined;
  readonly isDestroyed: boolean;
  /** The guest has powered off. */
  readonly isShutDown: boolean;
}

/** The one reason that is told, whatever came first. */
export function outcomeOf({ hasStarted, ending, isDestroyed, isShutDown }: EndingSigns): RunEnding {
  const reason = DomainReason.shutoff;
  const { detail } = Lifecycle.stopped;
  if (!hasStarted) return { reason: reason.failed, detail: detail.failed };
  if (ending !== undefined) return ending;
  if (isDestroyed) return { reason: reason.destroyed, detail: detail.destroyed };
  if (isShutDown) return { reason: reason.shutdown, detail: detail.shutdown };
  return { reason: reason.crashed, detail: detail.failed };
}
