import type { JobWaits, Journal, Stamped } from "../model/index.ts";
import type {
  Domain,
  DomainEvent,
  driverProcedures,
  Handlers,
  ObjectEvent,
  ObjectKind,
  ownHypervisorProcedures,
  ownMonitorProcedures,
} from "../protocol/index.ts";
import type { Stream } from "../rpc/index.ts";

/** Who calls: the peer of a Unix socket, as the kernel says. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** What a driver learns about a call beside its arguments. */
export interface CallContext {
  /** Aborted when nobody waits for the answer any more; stopping early is allowed, not demanded. */
  readonly signal: AbortSignal;
  /** When the caller gives up, on the loop's clock; absent: never. */
  readonly deadline?: number;
  /** The connection is read-only. The daemon has already refused what that forbids. */
  readonly readOnly: boolean;
  /** Absent where the transport does not know. */
  readonly identity?: Identity;
  /**
   * For the handlers in `Hypervisor.asksForTags`: to be called in the turn in which a domain gets definitions that its caller
   * has not brought, with the tags in each. Throws VirError when the caller may not give it these. Absent: any may be.
   */
  readonly admitTags?: (tags: readonly (readonly string[])[]) => void;
  /** The descriptors passed with the call, from here on the handler's to close. A second time there are none. */
  takeFds(): readonly number[];
  /** Descriptors to go with the reply; they are closed once it has left, or when the call fails. */
  passFds(fds: readonly number[]): void;
}

/**
 * Serves a stream that a call has opened, after its reply: the handler of such a call returns it beside the result. It
 * resolves when all is done; what it rejects with aborts the stream and reaches the client.
 */
export type ServeStream = (stream: Stream) => Promise<void>;

/**
 * The procedures that a driver has, named as their rows; a missing one is answered with libvirt's "not supported".
 * Arguments and results are the row's own; a domain in the arguments is looked up by its uuid alone. A handler may be
 * async, and throws VirError; anything else that it throws reaches the client as an internal error.
 */
export type DriverProcedures = Partial<
  Handlers<
    typeof driverProcedures & typeof ownMonitorProcedures & typeof ownHypervisorProcedures,
    CallContext,
    ServeStream
  >
>;

/** Objects beside domains of which a hypervisor reports what happens to them. */
export interface ObjectEventSource {
  readonly kinds: ReadonlySet<ObjectKind>;
  /** As `Hypervisor.subscribe`. */
  subscribe(listener: (event: ObjectEvent) => void): () => void;
}

/** Something that the monitor of a guest has said. */
export interface DomainMonitorEvent {
  readonly dom: Domain;
  /** Its name on the monitor. */
  readonly event: string;
  /** When, by the host's wall clock: since 1970. */
  readonly seconds: bigint;
  readonly micros: number;
  /** JSON. */
  readonly details: string | null;
}

export interface MonitorEventSource {
  /** As `Hypervisor.subscribe`. */
  subscribe(listener: (event: DomainMonitorEvent) => void): () => void;
}

/**
 * What a URI names: the domains of one hypervisor. Several connections may share it.
 *
 *     open -> closed      (by its driver, or with the last connection, as the driver likes it)
 */
export interface Hypervisor {
  /** The features (VIR_DRV_FEATURE_*) that depend on the hypervisor; the wire's own are the daemon's to answer. */
  readonly features: ReadonlySet<number>;
  readonly procedures: DriverProcedures;
  /**
   * Reports every event from here on, in the order in which they happened, synchronously, until the function returned
   * is called; after that none, not even one that is being delivered to others. A destroyed domain has the id -1 in its
   * last event, and one that ended by itself still the old one, as libvirt tells it.
   */
  subscribe(listener: (event: Stamped<DomainEvent>) => void): () => void;
  /** All that has happened, numbered; what is told is in it already. */
  readonly journal: Journal<DomainEvent>;
  /** The tags in each definition that a domain has; none: there is no such domain. Absent where guests have no tags. */
  tagsOf?(uuid: string): readonly (readonly string[])[];
  /** Calls whose handlers ask `CallContext.admitTags`; of others that bring back a definition it is assumed to have other tags. */
  readonly asksForTags?: ReadonlySet<string>;
  /** Absent where nobody counts. */
  load?(): HypervisorLoad;
  /** Absent where there are no such objects. */
  readonly objectEvents?: ObjectEventSource;
  /** Absent where guests have no monitors. */
  readonly monitorEvents?: MonitorEventSource | undefined;
  /** Reports, with a virConnectCloseReason, that the hypervisor is gone; absent where that cannot happen. */
  onLost?(listener: (reason: number) => void): () => void;
}

/** How a hypervisor is doing, for who looks after it. */
export interface HypervisorLoad {
  /** How long calls waited for their turn at a domain. */
  readonly jobWaits: JobWaits;
  /** Domains whose monitor owes an answer whose deadline has passed, and for how long. Absent where guests have no monitors. */
  readonly silent?: readonly SilentDomain[];
}

export interface SilentDomain {
  readonly name: string;
  readonly uuid: string;
  readonly silenceMs: number;
}

/** Who connects. */
export interface ConnectOrigin {
  readonly readOnly: boolean;
  readonly identity?: Identity;
}

/** A connection's share in a hypervisor. */
export interface HypervisorHold {
  readonly hypervisor: Hypervisor;
  /** Idempotent. */
  release(): void;
}

/**
 * A kind of hypervisor, as the daemon sees it: all that `src/daemon` knows of one is here.
 *
 * After `close` has resolved nothing is called back any more, and every call fails.
 */
export interface Driver {
  /** For messages and logs: "qemu". */
  readonly name: string;
  /** Whether a connection to this URI (`qemu:///system`) is this driver's; the first that accepts has it. */
  accepts(uri: string): boolean;
  /** Takes part in the hypervisor that the URI names. Throws or rejects with VirError. */
  connect(uri: string, origin: ConnectOrigin): HypervisorHold | Promise<HypervisorHold>;
  /** Lets go of the guests, which run on. Idempotent. */
  close(): Promise<void>;
}
