import { type Domain, VirError } from "../../open/index.ts";

/** virConnectDomainEventBlockJobStatus, in its order. */
const outcomes = ["complete", "failed", "cancelled", "ready"] as const;

/**
 * What a hypervisor tells of the job on a disk: how it has ended, which cannot be seen once it is gone.
 *
 *     listening -> closed
 */
export class BlockJobNews implements AsyncDisposable {
  /** The hypervisor tells of such jobs. */
  readonly isHeard: boolean;
  readonly #controller = new AbortController();
  readonly #events: AsyncDisposable;
  #outcome: (typeof outcomes)[number] | undefined;

  private constructor(path: string, events: ReturnType<typeof eventsOf>, isHeard: boolean) {
    this.isHeard = isHeard;
    this.#events = events;
    events.on(
      (event) => {
        const disk = event.name === "blockJob" ? event.path : event.dst;
        if (disk !== path || outcomes[event.status] === undefined) return;
        this.#outcome = outcomes[event.status];
        this.#controller.abort();
      },
      // Who waits asks about the job too, and hears what is wrong with the connection.
      () => {},
    );
  }

  /** By the name or the source of the disk. Rejects when the connection is lost. */
  static async of(domain: Domain, path: string): Promise<BlockJobNews> {
    const events = eventsOf(domain);
    const isHeard = await events.ready.then(
      () => true,
      (error: unknown) => {
        if (error instanceof VirError) return false;
        throw error;
      },
    );
    return new BlockJobNews(path, events, isHeard);
  }

  /** The last that was told. */
  get outcome(): (typeof outcomes)[number] | undefined {
    return this.#outcome;
  }

  /** Aborted with the first news. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
  }
}

function eventsOf(domain: Domain) {
  return domain.events(["blockJob", "blockJob2"]);
}
