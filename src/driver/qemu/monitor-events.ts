import type { DomainMonitorEvent, MonitorEventSource } from "../driver.ts";
import { Publisher } from "../publisher.ts";
import type { Guests } from "./guests.ts";

/** All that the monitors of all guests say, as they say it. */
export class MonitorEvents implements MonitorEventSource {
  readonly #publisher: Publisher<DomainMonitorEvent>;
  #listeners = 0;

  constructor(guests: Guests) {
    this.#publisher = new Publisher((error) => guests.report(error));
    guests.watchRuns((run, { reference }) => {
      run.onMonitorEvent(({ name, data, timeMs }) => {
        // Most of the time nobody wants to know, and the texts cost something.
        if (this.#listeners === 0) return;
        const micros = Math.round(timeMs * 1_000);
        this.#publisher.publish({
          dom: { ...reference, id: run.incarnation.id },
          event: name,
          seconds: BigInt(Math.floor(micros / 1_000_000)),
          micros: micros % 1_000_000,
          details: Object.keys(data).length === 0 ? null : JSON.stringify(data),
        });
      });
    });
  }

  subscribe(listener: (event: DomainMonitorEvent) => void): () => void {
    const unsubscribe = this.#publisher.subscribe(listener);
    let isOver = false;
    this.#listeners++;
    return () => {
      if (!isOver) this.#listeners--;
      isOver = true;
      unsubscribe();
    };
  }
}
