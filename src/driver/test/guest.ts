import type { Definition, DomainStatus } from "../../model/index.ts";
import { DomainReason, DomainState, ErrorDomain, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import { changed } from "./canonical.ts";
import { noCheckpoints } from "./checkpoints.ts";
import { invalidDomain, notRunning } from "./failure.ts";
import { noSnapshots } from "./snapshots.ts";

/** Bits that say which definition a call is about; none of them: the one in use. */
export const affect = { live: 1, config: 2 };
const both = affect.live | affect.config;

/** The definitions a change is for. */
export interface Targets {
  readonly live: Definition | undefined;
  readonly config: Definition | undefined;
}

/** How an I/O thread waits for work. */
export interface IoThreadPolling {
  readonly id: number;
  maxNs: bigint;
  grow: number;
  shrink: number;
}

/**
 * A domain of the test hypervisor. Nothing takes time here, so there is no job to wait for: a call has happened when its
 * handler returns.
 *
 * What it runs as and what it will be are kept as libvirt keeps them: `current` is the one in use, and `next`, while it
 * runs, the one that takes its place at the end.
 *
 *     inactive -> active -> inactive
 *
 * start: inactive -> active; the definition of a persistent domain is put aside as the next one.
 * stop:  active -> inactive, if there is a next definition; without one the domain is at its end, and keeps its id for
 *        the event that tells so.
 */
export class Guest {
  /** Its place among the others, by the time of their making. */
  order = 0;
  persistent = false;
  autostart = false;
  hasManagedSave = false;
  status: DomainStatus = { state: DomainState.shutoff, reason: DomainReason.shutoff.unknown };
  /** Of the guest's agent: what it says of its clock, and which file systems do not move. */
  time = { seconds: 627_319_920n, nseconds: 0 };
  readonly frozen = new Set<string>();
  /** What is known of its I/O threads beside their numbers: those of both definitions, as they were added. */
  readonly polling: IoThreadPolling[] = [];
  readonly snapshots = noSnapshots();
  readonly checkpoints = noCheckpoints();
  #current: Definition;
  #next: Definition | undefined;
  #id = -1;

  constructor(definition: Definition) {
    this.#current = definition;
  }

  get id(): number {
    return this.#id;
  }

  get isActive(): boolean {
    return this.#id !== -1;
  }

  get uuid(): string {
    return this.#current.uuid;
  }

  get name(): string {
    return this.#current.name;
  }

  get definition(): Definition {
    return this.#current;
  }

  /** What the next run will be, as far as that is known. */
  get nextDefinition(): Definition {
    return this.#next ?? this.#current;
  }

  get hasNext(): boolean {
    return this.#next !== undefined;
  }

  get reference(): WireDomain {
    return { name: this.name, uuid: this.uuid, id: this.#id };
  }

  /** `live`: it is about to run with this one, and the definition there was comes back afterwards. */
  assign(definition: Definition, live: boolean): void {
    if (this.isActive) this.#next = definition;
    else {
      if (live) this.#next ??= this.#current;
      this.#current = definition;
    }
  }

  rename(name: string): void {
    this.#current = changed(this.#current, (root) => root.first("name")?.setText(name));
  }

  /** Goes on as it was when a driver before this one ended. */
  resume(id: number, next: Definition | undefined): void {
    this.#id = id;
    this.#next = next;
  }

  start(id: number, reason: number): void {
    this.#id = id;
    this.status = { state: DomainState.running, reason };
    if (this.persistent) this.#next ??= this.#current;
  }

  /** `reason` is one of DomainReason.shutoff. */
  stop(reason: number): void {
    if (this.#next !== undefined) {
      this.#current = this.#next;
      this.#next = undefined;
      this.#id = -1;
    }
    this.status = { state: DomainState.shutoff, reason };
  }

  checkActive(): void {
    if (!this.isActive) throw notRunning();
  }

  /** Throws libvirt's error where there is no such definition. */
  targets(flags: number): Targets {
    const either = flags & (affect.live | affect.config);
    const wanted = either !== 0 ? either : this.isActive ? affect.live : affect.config;
    if ((wanted & affect.live) !== 0) this.checkActive();
    if ((wanted & affect.config) !== 0 && !this.persistent)
      throw invalidDomain("transient domains do not have any persistent config");
    return {
      live: (wanted & affect.live) === 0 ? undefined : this.#current,
      config: (wanted & affect.config) === 0 ? undefined : this.nextDefinition,
    };
  }

  /** The one definition that `flags` choose. */
  target(flags: number): Definition {
    const { live, config } = this.targets(flags);
    return live ?? config ?? this.#current;
  }

  /** The same where it is refused to choose both. */
  soleTarget(flags: number): Definition {
    if ((flags & both) === both) {
      const complaint = "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";
      throw VirError.wrongArgument(complaint, ErrorDomain.domain, "virDomainObjGetOneDefState", "flags");
    }
    return this.target(flags);
  }

  /** Changes what `flags` choose; the domain is inactive, or one of the two is the running one. */
  edit(flags: number, change: (root: Element) => void): void {
    const { live, config } = this.targets(flags);
    const newLive = live === undefined ? undefined : changed(live, change);
    const newConfig = config === undefined ? undefined : changed(config, change);
    if (newLive !== undefined) this.#current = newLive;
    if (newConfig === undefined) return;
    if (this.isActive) this.#next = newConfig;
    else this.#current = newConfig;
  }
}
