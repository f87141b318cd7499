import type { DomainEvent } from "../protocol/index.ts";
import type { EventLog } from "./event-log.ts";

/**
 * Tells events when no sudden end of the process can take them any more, in the order in which they happened: so nobody
 * has heard of what the journal then does not have. While the disk fails they are told even so.
 */
export class WrittenEvents {
  readonly #log: EventLog;
  readonly #onError: (error: unknown) => void;
  #tail: Promise<void> | undefined;
  #position: number;

  constructor(log: EventLog, onError: (error: unknown) => void) {
    this.#log = log;
    this.#onError = onError;
    this.#position = log.journal.position.sequence;
  }

  /** The number of the last event, told or not. */
  get position(): number {
    return this.#position;
  }

  /** Resolves when everybody has been told; undefined: that is so already. */
  publish(event: DomainEvent): Promise<void> | undefined {
    const stamped = this.#log.write(event);
    this.#position = stamped.sequence;
    const written = this.#log.journal.written(stamped.sequence);
    if (written === undefined && this.#tail === undefined) {
      this.#log.tell(stamped);
      return undefined;
    }
    // The journal itself says what its disk does.
    const safe = (written ?? Promise.resolve()).catch(() => {});
    const told = (this.#tail ?? Promise.resolve())
      .then(() => safe)
      .then(() => this.#log.tell(stamped))
      .catch(this.#onError)
      .finally(() => {
        if (this.#tail === told) this.#tail = undefined;
      });
    this.#tail = told;
    return told;
  }

  /** All that was published has been told. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
