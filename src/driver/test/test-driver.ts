import { isAbsolute, resolve } from "node:path";
import type { Loop } from "../../event/index.ts";
import { Journal, type Stamped } from "../../model/index.ts";
import { type DomainEvent, DomainReason, DomainState, ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type {
  ConnectOrigin,
  Driver,
  DriverProcedures,
  Hypervisor,
  HypervisorHold,
  Identity,
  ObjectEventSource,
} from "../driver.ts";
import { parseDefinition } from "./canonical.ts";
import { defaultDomain } from "./default-domain.ts";
import { parseFault } from "./faults.ts";
import { Guest } from "./guest.ts";
import { defaultObjects } from "./host-objects.ts";
import { type NewGuest, type NodeFile, readNodeFile } from "./node-file.ts";
import { defaultNode } from "./node-info.ts";
import { Simulation } from "./simulation.ts";
import { StateDirectory } from "./state-directory.ts";

export interface TestDriverOptions {
  /** How many events of a connection without a directory stay in memory. Default 10,000. */
  readonly keepEvents?: number;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly clock?: () => number;
  /** Hears what listeners throw, and of records that cannot be read. Default: the loop reports it. */
  readonly onWarning?: (error: unknown) => void;
}

/**
 * libvirt's test hypervisor: domains without guests behind them, and a simulator.
 *
 * `test:///default` has one running domain "test" at first, and a network, a storage pool, an interface and a few devices
 * of a host that is not there; all connections share it for as long as the driver lasts. `test:///PATH` reads a machine with its domains from a file, for this connection alone. `?state=DIR` keeps the
 * domains in a directory, for all connections with that directory, and `?fault=KIND:ON` (as often as wanted) begins with
 * faults, for this connection alone unless there is a directory.
 *
 *     open -> closed
 *
 * close: open -> closed; idempotent. No call is known then, so that nothing happens any more.
 */
export class TestDriver implements Driver, Hypervisor {
  readonly name = "test";
  readonly features: ReadonlySet<number> = new Set();
  readonly #loop: Loop;
  readonly #clock: () => number;
  readonly #keepEvents: number;
  readonly #onWarning: (error: unknown) => void;
  /** That of `test:///default`. */
  #shared: Simulation;
  /** By directory. */
  readonly #kept = new Map<string, Promise<Simulation>>();
  readonly #all = new Set<Simulation>();
  #isClosed = false;

  constructor(loop: Loop, options: TestDriverOptions = {}) {
    this.#loop = loop;
    this.#clock = options.clock ?? Date.now;
    this.#keepEvents = options.keepEvents ?? 10_000;
    const raise = (error: unknown): void => {
      loop.post(() => {
        throw error;
      });
    };
    this.#onWarning = options.onWarning ?? raise;
    this.#shared = this.#simulate({});
  }

  /** Those of `test:///default`, as all that follows. */
  get procedures(): DriverProcedures {
    return this.#isClosed ? {} : this.#shared.procedures;
  }

  get objectEvents(): ObjectEventSource {
    return this.#shared.objectEvents;
  }

  get journal(): Journal<DomainEvent> {
    return this.#shared.journal;
  }

  subscribe(listener: (event: Stamped<DomainEvent>) => void): () => void {
    return this.#shared.subscribe(listener);
  }

  accepts(uri: string): boolean {
    return uri === "test://" || uri.startsWith("test:///");
  }

  connect(uri: string, origin: ConnectOrigin): HypervisorHold | Promise<HypervisorHold> {
    const { path, state, faults } = parse(uri);
    if (path === "" || path === "/") throw invalidUri("testOpen: supply a path or use test:///default");
    if (path !== "/default" || state !== undefined || faults.length > 0) return this.#connectTo(uri, origin);
    if (!this.#shared.isAlive) {
      this.#discard(this.#shared);
      this.#shared = this.#simulate({});
    }
    return { hypervisor: this.#shared, release: () => {} };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // What is being opened lets go of its directory before.
    await Promise.allSettled(this.#kept.values());
    const closed = await Promise.allSettled([...this.#all].map((each) => each.close()));
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #connectTo(uri: string, { readOnly, identity }: ConnectOrigin): Promise<HypervisorHold> {
    const { path, state, faults } = parse(uri);
    for (const each of faults) parseFault(each);
    if (path !== "/default" && readOnly && !isTrusted(identity)) throw readOnlyFile(path);
    const file = path === "/default" ? undefined : await readNodeFile(path);
    if (state === undefined) {
      const simulation = this.#simulate({ file, faults });
      return { hypervisor: simulation, release: () => this.#discard(simulation) };
    }
    if (!isAbsolute(state)) throw invalidUri(`state=${state}: give the directory's whole path`);
    const directory = resolve(state);
    if (readOnly && !(await this.#isAlive(directory))) throw readOnlyState(state);
    return { hypervisor: await this.#keep(directory, file, faults), release: () => {} };
  }

  /** Nobody connects to it any more. */
  #discard(simulation: Simulation): void {
    simulation
      .close()
      .catch(this.#onWarning)
      .finally(() => this.#all.delete(simulation));
  }

  async #isAlive(directory: string): Promise<boolean> {
    const known = await this.#kept.get(directory)?.catch(() => undefined);
    return known?.isAlive === true;
  }

  /** The one over this directory; a dead one is replaced. */
  async #keep(state: string, file: NodeFile | undefined, faults: readonly string[]): Promise<Simulation> {
    const known = this.#kept.get(state);
    if (known !== undefined) {
      const simulation = await known;
      if (simulation.isAlive) return simulation;
      await simulation.close().catch(this.#onWarning);
      this.#all.delete(simulation);
      if (this.#kept.get(state) === known) this.#kept.delete(state);
      return this.#keep(state, file, faults);
    }
    const opening = this.#open(state, file, faults);
    this.#kept.set(state, opening);
    opening.catch(() => this.#kept.delete(state));
    return opening;
  }

  async #open(path: string, file: NodeFile | undefined, faults: readonly string[]): Promise<Simulation> {
    const options = { loop: this.#loop, clock: this.#clock, onWarning: this.#onWarning };
    const state = await StateDirectory.open(path, options);
    let simulation: Simulation | undefined;
    try {
      simulation = this.#simulate({ file, faults, state });
      if (state.isNew) await simulation.keepAll();
      return simulation;
    } catch (error) {
      // Else nobody could open the directory until the end of the process.
      await (simulation ?? state).close().catch(this.#onWarning);
      if (simulation !== undefined) this.#all.delete(simulation);
      throw error;
    }
  }

  #simulate({ file, faults = [], state }: Start): Simulation {
    if (this.#isClosed) throw VirError.of(ErrorCode.noConnect, ErrorDomain.test, "the driver is closed");
    const simulation = new Simulation({
      loop: this.#loop,
      clock: this.#clock,
      onWarning: this.#onWarning,
      node: file?.node ?? defaultNode,
      objects: file?.objects ?? defaultObjects,
      faults: faults.map(parseFault),
      journal: state?.journal ?? new Journal<DomainEvent>({ now: this.#clock, keep: this.#keepEvents }),
      ...(state === undefined ? {} : { state }),
    });
    if (state === undefined || state.isNew) simulation.populate(file?.guests ?? [defaultGuest()]);
    this.#all.add(simulation);
    return simulation;
  }
}

interface Start {
  readonly file?: NodeFile | undefined;
  readonly faults?: readonly string[];
  readonly state?: StateDirectory;
}

interface TestUri {
  readonly path: string;
  readonly state: string | undefined;
  readonly faults: readonly string[];
}

function parse(uri: string): TestUri {
  const [path = "", query = ""] = uri.slice("test://".length).split("?", 2);
  const parameters = new URLSearchParams(query);
  return {
    path: decode(path, uri),
    state: parameters.get("state") ?? undefined,
    faults: parameters.getAll("fault"),
  };
}

function decode(path: string, uri: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) throw invalidUri(`Unable to parse URI ${uri}`);
    throw error;
  }
}

function defaultGuest(): NewGuest {
  const guest = new Guest(parseDefinition(defaultDomain));
  guest.persistent = true;
  return { guest, status: { state: DomainState.running, reason: DomainReason.running.unknown } };
}

function invalidUri(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.test, detail);
}

/** Who may read all files that the daemon can read; in memory everybody is the daemon itself. */
function isTrusted(identity: Identity | undefined): boolean {
  return identity === undefined || identity.uid === 0 || identity.uid === process.getuid?.();
}

function readOnlyFile(path: string): VirError {
  const detail = `a read-only connection of another user cannot have ${path} read: connect for writing`;
  return VirError.of(ErrorCode.operationDenied, ErrorDomain.test, detail);
}

function readOnlyState(state: string): VirError {
  const detail = `a read-only connection cannot begin with the state in ${state}: connect to it once for writing`;
  return VirError.of(ErrorCode.operationDenied, ErrorDomain.test, detail);
}
