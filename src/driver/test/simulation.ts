import type { Loop } from "../../event/index.ts";
import type { Journal } from "../../model/index.ts";
import type { DomainEvent, Fault } from "../../protocol/index.ts";
import { tagsOfAll } from "../domain-tags.ts";
import type { Hypervisor as DrivenHypervisor, DriverProcedures, HypervisorLoad, ObjectEventSource } from "../driver.ts";
import { EventLog } from "../event-log.ts";
import { Calls } from "./calls.ts";
import { EventPath } from "./event-path.ts";
import { faultProcedures } from "./fault-procedures.ts";
import { Faults } from "./faults.ts";
import { writeGuest } from "./guest-record.ts";
import { HostObjects, type HostObjectTexts } from "./host-objects.ts";
import { Hypervisor } from "./hypervisor.ts";
import { Jobs, jobProcedures } from "./jobs.ts";
import { enterState, type NewGuest } from "./node-file.ts";
import type { NodeInfo } from "./node-info.ts";
import { reportProcedures } from "./reports.ts";
import type { StateDirectory } from "./state-directory.ts";
import { StateKeeper } from "./state-keeper.ts";
import { testProcedures } from "./test-procedures.ts";

export interface SimulationOptions {
  readonly loop: Loop;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Hears what listeners throw. */
  readonly onWarning: (error: unknown) => void;
  readonly node: NodeInfo;
  /** Networks, pools, interfaces and devices, which are in memory alone. */
  readonly objects: HostObjectTexts;
  readonly faults: readonly Fault[];
  readonly journal: Journal<DomainEvent>;
  /** Where the domains are kept; absent: in memory alone. */
  readonly state?: StateDirectory;
}

/** virConnectCloseReason: the hypervisor has hung up. */
const hungUp = 1;

/**
 * A hypervisor that is simulated: domains without guests behind them, and faults on demand.
 *
 *     alive -> dead -> closed
 *     alive -> closed
 *
 * A fault makes it die: listeners for its loss are told, nothing is told to others any more, every call fails.
 * close: any -> closed; idempotent. What was changed is on disk then, where it is kept, and in the journal.
 */
export class Simulation implements DrivenHypervisor {
  readonly features: ReadonlySet<number> = new Set();
  readonly procedures: DriverProcedures;
  readonly journal: Journal<DomainEvent>;
  readonly hypervisor: Hypervisor;
  readonly objectEvents: ObjectEventSource;
  readonly faults: Faults;
  readonly #options: SimulationOptions;
  readonly #log: EventLog;
  readonly #path: EventPath;
  readonly #keeper: StateKeeper | undefined;
  readonly #calls: Calls;
  readonly #jobs: Jobs;
  readonly #mourners = new Set<(reason: number) => void>();
  #state: "alive" | "dead" | "closed" = "alive";
  #closed: Promise<void> | undefined;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.journal = options.journal;
    this.faults = new Faults(options.loop);
    for (const fault of options.faults) this.faults.add(fault);
    this.#log = new EventLog(options.journal, options.onWarning);
    this.#path = new EventPath(this.#log, this.faults, () => this.#die());
    const tell = (event: DomainEvent): void => {
      if (this.#keeper !== undefined) this.#keeper.tell(event);
      else if (this.#state === "alive") void this.#path.publish(event);
    };
    this.hypervisor = new Hypervisor(options.loop, tell, options.clock);
    const { state } = options;
    if (state !== undefined) this.#keeper = this.#take(state);
    const jobs = new Jobs(options.loop, this.hypervisor);
    this.#jobs = jobs;
    this.#calls = new Calls({
      jobs,
      faults: this.faults,
      settle: (uuids) => this.#keeper?.settle(uuids),
      onDeath: () => this.#die(),
    });
    const objects = new HostObjects(options.objects, options.onWarning);
    this.objectEvents = objects.events;
    this.procedures = {
      ...this.#calls.around({
        ...testProcedures(this.hypervisor, options.node),
        ...jobProcedures(jobs, this.hypervisor),
        ...reportProcedures(this.hypervisor, this.#log),
        ...objects.procedures,
      }),
      ...faultProcedures(this.faults),
    };
  }

  get isAlive(): boolean {
    return this.#state === "alive";
  }

  /** Domains that there are from the beginning, in this order. */
  populate(guests: readonly NewGuest[]): void {
    for (const each of guests) {
      enterState(each, this.hypervisor.issueId());
      this.hypervisor.adopt(each.guest);
    }
  }

  /** Resolves when every domain there is now is on disk, and the directory is known to be in use. */
  async keepAll(): Promise<void> {
    await this.#keeper?.settle(this.hypervisor.guests.map(({ uuid }) => uuid));
    await this.#options.state?.markUsed();
  }

  subscribe(listener: Parameters<EventLog["subscribe"]>[0]): () => void {
    return this.#log.subscribe(listener);
  }

  load(): HypervisorLoad {
    return { jobWaits: this.#jobs.waits };
  }

  readonly asksForTags: ReadonlySet<string> = new Set(["domainRevertToSnapshot"]);

  tagsOf(uuid: string): readonly (readonly string[])[] {
    const guest = this.hypervisor.find(uuid);
    return tagsOfAll(guest?.definition, guest?.nextDefinition);
  }

  onLost(listener: (reason: number) => void): () => void {
    // An entry of its own, so that one function given twice is two listeners.
    const entry = (reason: number): void => listener(reason);
    this.#mourners.add(entry);
    return () => this.#mourners.delete(entry);
  }

  close(): Promise<void> {
    this.#state = "closed";
    this.#calls.end();
    this.#path.end();
    this.faults.release();
    this.hypervisor.close();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #take(state: StateDirectory): StateKeeper {
    // Of a dead one too: its change has come to the disk, and that belongs into the journal there.
    const publish = async (event: DomainEvent): Promise<void> => this.#path.publish(event);
    const keeper = new StateKeeper({ ...state.over(this.hypervisor), publish });
    for (const guest of state.guests) {
      this.hypervisor.adopt(guest);
      keeper.adopt(guest.uuid, writeGuest(guest));
    }
    return keeper;
  }

  #die(): void {
    if (this.#state !== "alive") return;
    this.#state = "dead";
    this.#calls.end();
    this.#path.end();
    this.faults.release();
    this.hypervisor.runEndings.endAll();
    for (const listener of Array.from(this.#mourners)) if (this.#mourners.has(listener)) listener(hungUp);
  }

  async #close(): Promise<void> {
    await this.#keeper?.idle();
    await (this.#options.state ?? this.journal).close();
  }
}
