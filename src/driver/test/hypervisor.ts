import { Breather, type Loop, StateError } from "../../event/index.ts";
import type { Definition } from "../../model/index.ts";
import {
  type DomainEvent,
  DomainReason,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import type { Pause } from "../../xml/index.ts";
import { readDefinition } from "./canonical.ts";
import { internal, invalid, invalidDomain, noDomain } from "./failure.ts";
import { Guest } from "./guest.ts";
import { RunEndings } from "./run-endings.ts";

/** Hears what has happened. */
export type Tell = (event: DomainEvent) => void;

/** The domains, and what happens to them: every change of a domain's life is made and told here. */
export class Hypervisor {
  readonly #breather: Breather;
  readonly #tell: Tell;
  /** In the order of their making. */
  readonly #byUuid = new Map<string, Guest>();
  readonly #byName = new Map<string, Guest>();
  #nextId = 1;
  #closed = false;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Who waits for the end of a domain's run. */
  readonly runEndings = new RunEndings();

  #nextOrder = 1;

  /** There is no domain at first. */
  constructor(loop: Loop, tell: Tell, clock: () => number) {
    this.#breather = new Breather(loop);
    this.#tell = tell;
    this.clock = clock;
  }

  /** A domain that there was before this hypervisor; without an event. It takes the place of one with its uuid. */
  adopt(guest: Guest): void {
    if (guest.order === 0) guest.order = this.#nextOrder;
    this.#nextOrder = Math.max(this.#nextOrder, guest.order + 1);
    if (guest.isActive) this.#nextId = Math.max(this.#nextId, guest.id + 1);
    this.forget(guest.uuid);
    const isLate = guest.order + 1 < this.#nextOrder;
    this.#byUuid.set(guest.uuid, guest);
    this.#byName.set(guest.name, guest);
    if (isLate) this.#sort();
  }

  /** There was none with this uuid, if there was one; without an event. */
  forget(uuid: string): void {
    const known = this.#byUuid.get(uuid);
    if (known !== undefined) this.#remove(known);
  }

  /** Of the next run. */
  issueId(): number {
    return this.#nextId++;
  }

  find(uuid: string): Guest | undefined {
    return this.#byUuid.get(uuid);
  }

  get guests(): readonly Guest[] {
    return [...this.#byUuid.values()];
  }

  /** The one that a call is about. Throws VirError (noDomain), as the next three, but says more. */
  of({ uuid, name }: WireDomain): Guest {
    const detail = `no domain with matching uuid '${uuid}' (${name})`;
    return this.#byUuid.get(uuid) ?? fail(VirError.of(ErrorCode.noDomain, ErrorDomain.test, detail));
  }

  /** Those that there are. */
  known(doms: readonly WireDomain[]): Guest[] {
    return doms.flatMap(({ uuid }) => this.#byUuid.get(uuid) ?? []);
  }

  byUuid(uuid: string): Guest {
    return this.#byUuid.get(uuid) ?? fail(noDomain());
  }

  byName(name: string): Guest {
    return this.#byName.get(name) ?? fail(noDomain());
  }

  byId(id: number): Guest {
    return this.guests.find((each) => each.isActive && each.id === id) ?? fail(noDomain());
  }

  /** Reads a definition; what is known of the domains may have changed when a long one has been read. */
  read<T>(xml: string, signal: AbortSignal, use: (definition: Definition) => T): T | Promise<T> {
    return readDefinition(xml, this.pauseFor(signal), use);
  }

  /** Gives way to others; ends work that nobody waits for. */
  pauseFor(signal: AbortSignal): Pause {
    return async () => {
      await this.#breather.breathe();
      signal.throwIfAborted();
      if (this.#closed) throw new StateError("the test driver is closed");
    };
  }

  define(definition: Definition): Guest {
    const known = this.#claim(definition);
    const isUpdate = known !== undefined && (!known.isActive || known.hasNext);
    const guest = this.#take(known, definition, false);
    guest.persistent = true;
    const { added, updated } = Lifecycle.defined.detail;
    this.report(guest, Lifecycle.defined.event, isUpdate ? updated : added);
    return guest;
  }

  /** A new run of what may be a new domain. `reason` and `detail` are those of running and started. */
  create(definition: Definition, reason: number, detail: number): Guest {
    const known = this.#claim(definition);
    if (known?.isActive === true) throw invalidDomain(`domain '${known.name}' is already active`);
    const guest = this.#take(known, definition, true);
    this.start(guest, reason, detail);
    return guest;
  }

  boot(guest: Guest): void {
    if (guest.isActive) throw internal(`Domain '${guest.name}' is already running`);
    this.start(guest, DomainReason.running.booted, Lifecycle.started.detail.booted);
    guest.hasManagedSave = false;
  }

  start(guest: Guest, reason: number, detail: number): void {
    guest.start(this.issueId(), reason);
    this.report(guest, Lifecycle.started.event, detail);
  }

  /** Ends the run, and a transient domain with it. */
  stop(guest: Guest, reason: number, detail: number): void {
    guest.stop(reason);
    this.runEndings.end(guest.uuid);
    this.report(guest, Lifecycle.stopped.event, detail);
    if (!guest.persistent) this.#remove(guest);
  }

  /** As `stop`, but the domain stays, whatever it is: its next run follows at once. */
  interrupt(guest: Guest): void {
    guest.stop(DomainReason.shutoff.fromSnapshot);
    this.runEndings.end(guest.uuid);
    this.report(guest, Lifecycle.stopped.event, Lifecycle.stopped.detail.fromSnapshot);
  }

  undefine(guest: Guest): void {
    this.report(guest, Lifecycle.undefined.event, Lifecycle.undefined.detail.removed);
    guest.hasManagedSave = false;
    guest.persistent = false;
    if (!guest.isActive) this.#remove(guest);
  }

  rename(guest: Guest, name: string): void {
    if (guest.isActive) throw invalid("cannot rename active domain");
    if (name.includes("/")) throw VirError.of(ErrorCode.xmlError, ErrorDomain.test, `name ${name} cannot contain '/'`);
    if (name === guest.name) throw invalidDomain("Can't rename domain to itself");
    if (this.#byName.has(name)) throw invalidDomain(`domain with name '${name}' already exists`);
    const before = guest.reference;
    guest.rename(name);
    this.#byName.delete(before.name);
    this.#byName.set(name, guest);
    const { event, detail } = Lifecycle.undefined;
    this.#tell({ name: "lifecycle", dom: before, event, detail: detail.renamed });
    this.report(guest, Lifecycle.defined.event, Lifecycle.defined.detail.renamed);
  }

  /** Tells that its state has changed, as the domain is now. Numbers of Lifecycle. */
  report(guest: Guest, event: number, detail: number): void {
    this.#tell({ name: "lifecycle", dom: guest.reference, event, detail });
  }

  /** Tells what else has happened. */
  tell(event: DomainEvent): void {
    this.#tell(event);
  }

  /** What is being read is given up. */
  close(): void {
    this.#closed = true;
    this.runEndings.endAll();
  }

  /** The domain that has this uuid and name, if there is one; another may have neither of them. */
  #claim({ uuid, name }: Definition): Guest | undefined {
    const known = this.#byUuid.get(uuid);
    if (known !== undefined && known.name !== name)
      throw clash(`domain '${known.name}' is already defined with uuid ${uuid}`);
    const other = this.#byName.get(name);
    if (known === undefined && other !== undefined)
      throw clash(`domain '${name}' already exists with uuid ${other.uuid}`);
    return known;
  }

  #take(known: Guest | undefined, definition: Definition, live: boolean): Guest {
    if (known !== undefined) {
      known.assign(definition, live);
      return known;
    }
    const guest = new Guest(definition);
    this.adopt(guest);
    return guest;
  }

  #remove(guest: Guest): void {
    this.#byUuid.delete(guest.uuid);
    // Another may have the name by now, when this one was made again what it had been before.
    if (this.#byName.get(guest.name) === guest) this.#byName.delete(guest.name);
  }

  #sort(): void {
    const sorted = this.guests.toSorted((one, other) => one.order - other.order);
    this.#byUuid.clear();
    for (const each of sorted) this.#byUuid.set(each.uuid, each);
  }
}

function fail(error: Error): never {
  throw error;
}

function clash(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.domain, detail);
}
