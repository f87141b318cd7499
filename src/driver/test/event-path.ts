import type { Stamped } from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { EventLog } from "../event-log.ts";
import type { Faults } from "./faults.ts";

/**
 * The way of events to those who listen, with the faults of the simulator: a lost one is in the journal alone, a
 * reordered one arrives behind the next.
 */
export class EventPath {
  readonly #log: EventLog;
  readonly #faults: Faults;
  readonly #onDeath: () => void;
  #heldBack: Stamped<DomainEvent>[] = [];

  constructor(log: EventLog, faults: Faults, onDeath: () => void) {
    this.#log = log;
    this.#faults = faults;
    this.#onDeath = onDeath;
  }

  publish(event: DomainEvent): void {
    const stamped = this.#log.write(event);
    const fault = this.#faults.forEvent(event);
    if (fault === "reorder") {
      this.#heldBack.push(stamped);
      return;
    }
    if (fault === "die") this.#onDeath();
    if (fault !== undefined) return;
    const late = this.#heldBack;
    this.#heldBack = [];
    for (const each of [stamped, ...late]) this.#log.tell(each);
  }
}
