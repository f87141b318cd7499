import {
  type DomainEventName,
  DomainReason,
  DomainState,
  lxc,
  type DomainCheckpoint as WireCheckpoint,
  type Domain as WireDomain,
  type HostInterface as WireInterface,
  type Network as WireNetwork,
  type NetworkPort as WireNetworkPort,
  type NodeDevice as WireNodeDevice,
  type Nwfilter as WireNwfilter,
  type NwfilterBinding as WireNwfilterBinding,
  type Secret as WireSecret,
  type DomainSnapshot as WireSnapshot,
  type StoragePool as WireStoragePool,
  type StorageVol as WireVolume,
} from "../protocol/index.ts";
import type { Stream, StreamPart } from "../rpc/index.ts";
import type { Connection } from "./connection.ts";
import type {
  EventNames,
  EventOptions,
  EventsOf,
  Gap,
  Gapping,
  ObjectEventNames,
  ObjectEventsOf,
} from "./event-types.ts";
import type { CallOptions, Methods } from "./method-types.ts";
import { type MigrateOptions, migrateTo, migrateToUri } from "./migration.ts";
import {
  type AgentOptions,
  agentCommand,
  agentText,
  type BesideCall,
  type CommandArguments,
  type MonitorEvent,
  type MonitorEventOptions,
  type MonitorFiles,
  monitorCommand,
  monitorFiles,
  monitorText,
} from "./monitor.ts";
import { type Kind, methodName, ownerOf, rowNames } from "./rows.ts";
import type { Subscription } from "./subscription.ts";
import { sparseReadableOf, writableOf } from "./web-streams.ts";

/** An object at the other end: what the wire says of it, and its calls. It stays good when its connection is reopened. */
interface Remote {
  readonly connection: Connection;
}

/** What a domain is doing. */
export interface DomainStatus {
  readonly state: keyof typeof DomainState;
  /** libvirt's reason in words; "unknown" where it has none, or a number that is not known here. */
  readonly reason: string;
}

/**
 * A guest. `id` is -1 unless it ran when this object was made, and may be stale: calls go by the uuid.
 *
 * The methods are the rows of libvirt's protocol about a domain (`getXmlDesc`, `create`, `destroy`, `openConsole`, ...).
 */
export interface Domain extends Remote, WireDomain, Methods<"domain"> {
  /** `getState` in words. */
  status(options?: CallOptions): Promise<DomainStatus>;
  /** What happens to this domain, from `ready` on; of all kinds unless some are named. */
  events<N extends DomainEventName = DomainEventName>(
    names: EventNames<N> | undefined,
    options: EventOptions & Gapping,
  ): Subscription<EventsOf<N, true>>;
  events<N extends DomainEventName = DomainEventName>(
    names?: EventNames<N>,
    options?: EventOptions,
  ): Subscription<EventsOf<N, false>>;
  /** Sends QEMU a command of QMP's, and gives what it returns. Rejects with VirError, internalError when QEMU refuses. */
  monitorCommand(command: string, args?: CommandArguments, options?: CallOptions): Promise<unknown>;
  /** The same, for a command whose answer passes descriptors, where the connection can. */
  monitorCommandWithFiles(command: string, args?: CommandArguments, options?: CallOptions): Promise<MonitorFiles>;
  /** What QEMU answers to a line of QMP's, both as they are. */
  monitorText(line: string, options?: CallOptions): Promise<string>;
  /** The same in the language of QEMU's monitor for people; what it prints. */
  humanMonitorCommand(line: string, options?: CallOptions): Promise<string>;
  /** Sends a command to the agent inside the guest, and gives what it returns. */
  agentCommand(command: string, args?: CommandArguments, options?: AgentOptions): Promise<unknown>;
  /** What the agent answers to a line of its protocol, both as they are. */
  agentText(line: string, options?: AgentOptions): Promise<string>;
  /** Descriptors of a container's namespaces, which are the caller's to close. */
  openNamespace(options?: CallOptions): Promise<readonly number[]>;
  /**
   * Moves the domain to another hypervisor: this program goes between the two, and what goes wrong is undone. Aborting
   * `signal` aborts the job, and the domain goes on here. Rejects with VirError; noSupport where a side cannot.
   */
  migrate(destination: Connection, options?: MigrateOptions): Promise<Domain>;
  /** The same by the source itself: to the daemon at `uri` with the flag `peer2peer`. */
  migrateToUri(uri: string, options?: MigrateOptions): Promise<void>;
  /** What its QEMU's monitor tells, from `ready` on: events of one name, those that match, or all. */
  monitorEvents(
    which: string | RegExp | undefined,
    options: MonitorEventOptions & { readonly reconnect: true },
  ): Subscription<MonitorEvent | Gap>;
  monitorEvents(which?: string | RegExp, options?: MonitorEventOptions): Subscription<MonitorEvent>;
}

/** What can have events beside domains. */
interface Eventful<K extends "network" | "storagePool" | "nodeDevice" | "secret"> {
  /** What happens to this one, from `ready` on; of all kinds unless some are named. */
  events<N extends ObjectEventNames<K> = ObjectEventNames<K>>(
    names: EventNames<N> | undefined,
    options: EventOptions & Gapping,
  ): Subscription<ObjectEventsOf<K, N> | Gap>;
  events<N extends ObjectEventNames<K> = ObjectEventNames<K>>(
    names?: EventNames<N>,
    options?: EventOptions,
  ): Subscription<ObjectEventsOf<K, N>>;
}

export interface Network extends Remote, WireNetwork, Methods<"network">, Eventful<"network"> {}
export interface NetworkPort extends Remote, WireNetworkPort, Methods<"networkPort"> {}
export interface StoragePool extends Remote, WireStoragePool, Methods<"storagePool">, Eventful<"storagePool"> {}
/** A disk to be. `pool` is its pool's name, `key` its own among all of the host. */
export interface Volume extends Remote, WireVolume, Methods<"volume"> {
  /** As `download`, but a hole comes as one, however long: `{ hole: 1_048_576n }`. */
  downloadSparse(part: VolumePart, options?: CallOptions): Promise<ReadableStream<StreamPart>>;
  /** As `upload`, and takes holes beside bytes: nothing is sent for them, and nothing is stored. */
  uploadSparse(part: VolumePart, options?: CallOptions): Promise<WritableStream<StreamPart>>;
}
/** From where on, and how many bytes: 0 is all that follows. */
export interface VolumePart {
  readonly offset: bigint | number;
  readonly length: bigint | number;
}
export interface Snapshot extends Remote, WireSnapshot, Methods<"snapshot"> {
  readonly dom: Domain;
}
export interface Checkpoint extends Remote, WireCheckpoint, Methods<"checkpoint"> {
  readonly dom: Domain;
}
export interface Interface extends Remote, WireInterface, Methods<"hostInterface"> {}
export interface NodeDevice extends Remote, WireNodeDevice, Methods<"nodeDevice">, Eventful<"nodeDevice"> {}
export interface Secret extends Remote, WireSecret, Methods<"secret">, Eventful<"secret"> {}
export interface NwFilter extends Remote, WireNwfilter, Methods<"nwfilter"> {}
export interface NwFilterBinding extends Remote, WireNwfilterBinding, Methods<"nwfilterBinding"> {}

interface Objects {
  domain: Domain;
  network: Network;
  networkPort: NetworkPort;
  storagePool: StoragePool;
  volume: Volume;
  snapshot: Snapshot;
  checkpoint: Checkpoint;
  hostInterface: Interface;
  nodeDevice: NodeDevice;
  secret: Secret;
  nwfilter: NwFilter;
  nwfilterBinding: NwFilterBinding;
}
export type ObjectOf<K extends Kind> = Objects[K];

/** The one door behind the objects' methods. */
export interface Invoker {
  invoke(row: string, self: object | undefined, given: readonly unknown[]): Promise<unknown>;
}

type Fields = Readonly<Record<string, unknown>>;

class Handle {
  readonly #connection: Connection;

  constructor(connection: Connection, fields: Fields) {
    Object.assign(this, fields);
    this.#connection = connection;
  }

  /** Not among its own properties: what is printed or compared is what the wire says. */
  get connection(): Connection {
    return this.#connection;
  }
}

class DomainHandle extends Handle {
  declare readonly getState: Domain["getState"];

  async status(options?: CallOptions): Promise<DomainStatus> {
    return statusOf(await this.getState(options));
  }

  events(names?: EventNames<DomainEventName>, options?: EventOptions): unknown {
    return this.connection.domainEvents(names, options ?? {}, this as unknown as WireDomain);
  }

  monitorCommand(command: string, args?: CommandArguments, options: CallOptions = {}): Promise<unknown> {
    return monitorCommand(this.#beside, command, args, options);
  }

  monitorCommandWithFiles(command: string, args?: CommandArguments, options: CallOptions = {}): Promise<MonitorFiles> {
    return monitorFiles(this.#beside, command, args, options);
  }

  monitorText(line: string, options: CallOptions = {}): Promise<string> {
    return monitorText(this.#beside, line, 0, options);
  }

  humanMonitorCommand(line: string, options: CallOptions = {}): Promise<string> {
    const isHuman = 1;
    return monitorText(this.#beside, line, isHuman, options);
  }

  agentCommand(command: string, args?: CommandArguments, options: AgentOptions = {}): Promise<unknown> {
    return agentCommand(this.#beside, command, args, options);
  }

  agentText(line: string, options: AgentOptions = {}): Promise<string> {
    return agentText(this.#beside, line, options);
  }

  async openNamespace(options: CallOptions = {}): Promise<readonly number[]> {
    const answer = await this.#beside(lxc, "domainOpenNamespace", { flags: 0 }, options);
    return (answer as { readonly fds: readonly number[] }).fds;
  }

  migrate(destination: Connection, options?: MigrateOptions): Promise<Domain> {
    return migrateTo(this as unknown as Domain, destination, options);
  }

  migrateToUri(uri: string, options?: MigrateOptions): Promise<void> {
    return migrateToUri(this as unknown as Domain, uri, options);
  }

  monitorEvents(which?: string | RegExp, options: MonitorEventOptions = {}): unknown {
    return this.connection.monitorEventsOf(which, options, this as unknown as WireDomain);
  }

  get #beside(): BesideCall {
    return (program, name, args, options) =>
      this.connection.invokeBeside(program, name, { dom: this, ...args }, options);
  }
}

class VolumeHandle extends Handle {
  downloadSparse(part: VolumePart, options: CallOptions = {}): Promise<unknown> {
    return this.#openSparse("storageVolDownload", part, options, sparseReadableOf);
  }

  uploadSparse(part: VolumePart, options: CallOptions = {}): Promise<unknown> {
    return this.#openSparse("storageVolUpload", part, options, writableOf);
  }

  #openSparse(
    row: string,
    part: VolumePart,
    options: CallOptions,
    endOf: (stream: Stream) => unknown,
  ): Promise<unknown> {
    const given = [part, { ...options, flags: "sparseStream" }];
    return this.connection.invoke(row, this, given, (opened) => endOf((opened as { readonly stream: Stream }).stream));
  }
}

const eventful: Partial<Record<Kind, "network" | "storagePool" | "nodeDevice" | "secret">> = {
  network: "network",
  storagePool: "storagePool",
  nodeDevice: "nodeDevice",
  secret: "secret",
};

type HandleClass = new (connection: Connection, fields: Fields) => Handle;

function classOf(kind: Kind): HandleClass {
  const base = kind === "domain" ? DomainHandle : kind === "volume" ? VolumeHandle : Handle;
  const made = class extends base {};
  // What is printed says what it is.
  Object.defineProperty(made, "name", { value: kind.charAt(0).toUpperCase() + kind.slice(1) });
  addMethods(made.prototype, kind);
  const events = eventful[kind];
  if (events !== undefined) {
    const method = function (this: Handle, names?: EventNames<string>, options?: EventOptions): unknown {
      return this.connection.objectEvents(events, names, options ?? {}, this);
    };
    Object.defineProperty(made.prototype, "events", { value: method });
  }
  return made;
}

/** Gives a prototype the rows of a kind as methods. */
export function addMethods(prototype: object, kind: Kind | "connection"): void {
  for (const row of rowNames) {
    if (ownerOf(row).kind !== kind) continue;
    const method =
      kind === "connection"
        ? function (this: Invoker, ...given: unknown[]): Promise<unknown> {
            return this.invoke(row, undefined, given);
          }
        : function (this: { readonly connection: Invoker }, ...given: unknown[]): Promise<unknown> {
            return this.connection.invoke(row, this, given);
          };
    Object.defineProperty(prototype, methodName(row), { value: method, writable: true, configurable: true });
  }
}

const classes = new Map<Kind, HandleClass>();

/** An object of what the wire says of one. */
export function objectOf<K extends Kind>(connection: Connection, kind: K, fields: Fields): ObjectOf<K> {
  let made = classes.get(kind);
  if (made === undefined) {
    made = classOf(kind);
    classes.set(kind, made);
  }
  const { dom } = fields;
  const whole = dom === undefined ? fields : { ...fields, dom: objectOf(connection, "domain", dom as Fields) };
  return new made(connection, whole) as unknown as ObjectOf<K>;
}

/** libvirt's numbers in words. */
export function statusOf({ state, reason }: { readonly state: number; readonly reason: number }): DomainStatus {
  const name = nameOf(DomainState, state) ?? "nostate";
  const reasons: Readonly<Record<string, number>> = name in DomainReason ? DomainReason[name as "running"] : {};
  return { state: name, reason: nameOf(reasons, reason) ?? "unknown" };
}

function nameOf<T extends Readonly<Record<string, number>>>(names: T, number: number): keyof T | undefined {
  return Object.keys(names).find((name) => names[name] === number);
}
