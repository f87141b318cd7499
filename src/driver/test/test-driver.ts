import type { Loop } from "../../event/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { Hypervisor as Connectable, Driver, DriverProcedures, HypervisorHold } from "../driver.ts";
import { Publisher } from "../publisher.ts";
import { checkpointProcedures } from "./checkpoint-procedures.ts";
import { cpuStatisticsProcedures } from "./cpu-statistics.ts";
import { agentProcedures } from "./guest-agent.ts";
import { hostProcedures } from "./host.ts";
import { Hypervisor } from "./hypervisor.ts";
import { lifecycleProcedures } from "./lifecycle.ts";
import { lookupProcedures } from "./lookup.ts";
import { metadataProcedures } from "./metadata.ts";
import { processorProcedures } from "./processors.ts";
import { resourceProcedures } from "./resources.ts";
import { saveProcedures } from "./save.ts";
import { schedulerProcedures } from "./scheduler.ts";
import { snapshotProcedures } from "./snapshot-procedures.ts";
import { stateProcedures } from "./state.ts";
import { statisticsProcedures } from "./statistics.ts";
import { tuningProcedures } from "./tuning.ts";

export interface TestDriverOptions {
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly clock?: () => number;
  /** Hears what listeners throw. Default: the loop reports it. */
  readonly onWarning?: (error: unknown) => void;
}

/**
 * libvirt's test hypervisor, in memory: one running domain "test" at first, and no guest behind any of them. What all
 * connections do to it lasts as long as the driver.
 *
 *     open -> closed
 *
 * close: open -> closed; idempotent. No call is known then, so that nothing happens any more.
 */
export class TestDriver implements Driver, Connectable {
  readonly name = "test";
  readonly features: ReadonlySet<number> = new Set();
  readonly #procedures: DriverProcedures;
  readonly #publisher: Publisher<DomainEvent>;
  #isClosed = false;

  constructor(loop: Loop, options: TestDriverOptions = {}) {
    const raise = (error: unknown): void => {
      loop.post(() => {
        throw error;
      });
    };
    this.#publisher = new Publisher(options.onWarning ?? raise);
    const hypervisor = new Hypervisor((event) => this.#publisher.publish(event), options.clock ?? Date.now);
    this.#procedures = {
      ...hostProcedures(),
      ...lookupProcedures(hypervisor),
      ...lifecycleProcedures(hypervisor),
      ...stateProcedures(hypervisor),
      ...resourceProcedures(hypervisor),
      ...processorProcedures(hypervisor),
      ...metadataProcedures(hypervisor),
      ...saveProcedures(hypervisor),
      ...schedulerProcedures(hypervisor),
      ...tuningProcedures(hypervisor),
      ...statisticsProcedures(hypervisor),
      ...cpuStatisticsProcedures(hypervisor),
      ...agentProcedures(hypervisor),
      ...snapshotProcedures(hypervisor),
      ...checkpointProcedures(hypervisor),
    };
  }

  get procedures(): DriverProcedures {
    return this.#isClosed ? {} : this.#procedures;
  }

  accepts(uri: string): boolean {
    return uri === "test:///default";
  }

  connect(): HypervisorHold {
    return { hypervisor: this, release: () => {} };
  }

  subscribe(listener: (event: DomainEvent) => void): () => void {
    return this.#publisher.subscribe(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
