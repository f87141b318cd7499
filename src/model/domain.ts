import { type Loop, StateError } from "../event/index.ts";
import { DomainReason, DomainState, type Domain as WireDomain } from "../protocol/index.ts";
import type { Definition } from "./definition.ts";
import { JobQueue } from "./job-queue.ts";
import type { JobWaits } from "./job-waits.ts";

/** One run of a domain. The object itself is its identity: of two runs with the same id, one is not the other. */
export interface Incarnation {
  /** Of the running domain, from 1. */
  readonly id: number;
  /** Counts all starts of the driver, from 1. */
  readonly sequence: number;
}

/** Numbers of DomainState, and of DomainReason for that state. */
export interface DomainStatus {
  readonly state: number;
  readonly reason: number;
}

/**
 * A guest: its persistent definition, its present run, or both. One that has neither is not there.
 *
 *     inactive -> active -> inactive
 *
 * begin:            inactive -> active.
 * move:             active, and that very run; otherwise nothing, and false: news of a dead run reach nobody.
 * end:              active, that very run -> inactive; otherwise nothing, and false.
 * define, undefine: any; they change what the next run will be.
 */
export class Domain {
  readonly uuid: string;
  /** All changes but the run's own end go through here. */
  readonly jobs: JobQueue;
  #name: string;
  #persistent: Definition | undefined;
  #live: Definition | undefined;
  #incarnation: Incarnation | undefined;
  #status: DomainStatus = { state: DomainState.shutoff, reason: DomainReason.shutoff.unknown };

  /** `waits` hears how long its jobs have waited. */
  constructor(loop: Loop, uuid: string, name: string, waits?: JobWaits) {
    this.uuid = uuid;
    this.#name = name;
    this.jobs = new JobQueue(loop, waits);
  }

  get name(): string {
    return this.#name;
  }

  /** -1 while it does not run. */
  get id(): number {
    return this.#incarnation?.id ?? -1;
  }

  get incarnation(): Incarnation | undefined {
    return this.#incarnation;
  }

  get status(): DomainStatus {
    return this.#status;
  }

  get exists(): boolean {
    return this.#persistent !== undefined || this.#incarnation !== undefined;
  }

  get persistent(): Definition | undefined {
    return this.#persistent;
  }

  /** What it runs as, or would. Undefined when it does not exist. */
  get definition(): Definition | undefined {
    return this.#live ?? this.#persistent;
  }

  /** As it goes over the wire now. */
  get reference(): WireDomain {
    return { name: this.name, uuid: this.uuid, id: this.id };
  }

  /** By its list, which knows which names are free. */
  rename(name: string): void {
    this.#name = name;
  }

  /** True when it replaced another definition. */
  define(definition: Definition): boolean {
    const isUpdate = this.#persistent !== undefined;
    this.#persistent = definition;
    return isUpdate;
  }

  undefine(): void {
    this.#persistent = undefined;
  }

  begin(incarnation: Incarnation, definition: Definition): void {
    if (this.#incarnation !== undefined) throw new StateError(`domain ${this.name} runs already`);
    this.#incarnation = incarnation;
    this.#live = definition;
    this.#status = { state: DomainState.paused, reason: DomainReason.paused.startingUp };
  }

  move(incarnation: Incarnation, status: DomainStatus): boolean {
    if (this.#incarnation !== incarnation) return false;
    this.#status = status;
    return true;
  }

  /** What the run is like in more detail than its definition said. */
  describe(incarnation: Incarnation, definition: Definition): void {
    if (this.#incarnation === incarnation) this.#live = definition;
  }

  /** `reason` is one of DomainReason.shutoff. */
  end(incarnation: Incarnation, reason: number): boolean {
    if (this.#incarnation !== incarnation) return false;
    this.#incarnation = undefined;
    this.#live = undefined;
    this.#status = { state: DomainState.shutoff, reason };
    return true;
  }
}
