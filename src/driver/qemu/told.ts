import type { Journal } from "../../model/index.ts";
import { type DomainEvent, Lifecycle, type LifecycleEvent } from "../../protocol/index.ts";

/** What has been told of one run. */
export interface Told {
  readonly isStarted: boolean;
  readonly isEnded: boolean;
  /** The guest has shut down or crashed, and is still there. */
  readonly isDown?: boolean;
  /** As the last event left it. */
  readonly isPaused: boolean;
  /** There was one. */
  readonly hasPaused?: boolean;
}

export const nothingTold: Told = { isStarted: false, isEnded: false, isPaused: false };

const { started, suspended, resumed, stopped, shutdown, crashed } = Lifecycle;

/** What the journal has of a domain behind that number. A daemon that ended suddenly may have known more than it told. */
export function toldOf(journal: Journal<DomainEvent>, uuid: string, since: number): Told {
  const { events } = journal.after(journal.cursorAt(since));
  const isMeant = (event: DomainEvent): event is LifecycleEvent =>
    event.name === "lifecycle" && event.dom.uuid === uuid;
  return events
    .map(({ event }) => event)
    .filter(isMeant)
    .reduce((told, { event }) => {
      if (event === started.event) return { ...told, isStarted: true };
      if (event === stopped.event) return { ...told, isEnded: true };
      if (event === shutdown.event || event === crashed.event) return { ...told, isDown: true };
      const isPaused = event === suspended.event;
      return isPaused || event === resumed.event ? { ...told, isPaused, hasPaused: true } : told;
    }, nothingTold);
}
