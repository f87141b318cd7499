import type { Stamped } from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { EventLog } from "../event-log.ts";
import type { Faults } from "./faults.ts";

/**
 * The way of events to those who listen, with the faults of the simulator: a lost one is in the journal alone, a
 * reordered one arrives behind the next. Nobody has an event that the end of the process could take from the journal.
 *
 *     open -> ended
 *
 * publish: any; ended: into the journal alone.
 * end:     open -> ended; nothing is told any more. Idempotent.
 */
export class EventPath {
  readonly #log: EventLog;
  readonly #faults: Faults;
  readonly #onDeath: () => void;
  readonly #heldBack: Stamped<DomainEvent>[] = [];
  #isEnded = false;

  constructor(log: EventLog, faults: Faults, onDeath: () => void) {
    this.#log = log;
    this.#faults = faults;
    this.#onDeath = onDeath;
  }

  end(): void {
    this.#isEnded = true;
  }

  /** Resolves when it is written, and told; undefined when that is so. Rejects, and tells, when it cannot be written now. */
  publish(event: DomainEvent): Promise<void> | undefined {
    const stamped = this.#log.write(event);
    const told = this.#arrange(stamped);
    const tell = (): void => {
      for (const each of told) if (!this.#isEnded) this.#log.tell(each);
    };
    const written = this.#log.journal.written(stamped.sequence);
    if (written === undefined) {
      tell();
      return undefined;
    }
    return written.finally(tell);
  }

  /** What is told when this one can be, in this order. */
  #arrange(stamped: Stamped<DomainEvent>): Stamped<DomainEvent>[] {
    if (this.#isEnded) return [];
    const fault = this.#faults.forEvent(stamped.event);
    if (fault === "reorder") {
      this.#heldBack.push(stamped);
      return [];
    }
    if (fault === "die") this.#onDeath();
    if (fault !== undefined) return [];
    return [stamped, ...this.#heldBack.splice(0)];
  }
}
