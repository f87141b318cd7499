import type { Journal, Stamped } from "../model/index.ts";
import type { DomainEvent } from "../protocol/index.ts";
import { Publisher } from "./publisher.ts";

/** The events of a hypervisor on their way: into its journal, then to everybody who listens, in one order. */
export class EventLog {
  readonly journal: Journal<DomainEvent>;
  readonly #publisher: Publisher<Stamped<DomainEvent>>;

  /** `onError` hears what listeners throw. */
  constructor(journal: Journal<DomainEvent>, onError: (error: unknown) => void) {
    this.journal = journal;
    this.#publisher = new Publisher(onError);
  }

  subscribe(listener: (event: Stamped<DomainEvent>) => void): () => void {
    return this.#publisher.subscribe(listener);
  }

  publish(event: DomainEvent): void {
    this.tell(this.write(event));
  }

  /** Into the journal alone; for a simulator that loses events on their way. */
  write(event: DomainEvent): Stamped<DomainEvent> {
    return this.journal.append(event);
  }

  tell(event: Stamped<DomainEvent>): void {
    this.#publisher.publish(event);
  }
}
