import type { Domain, driverProcedures, Handlers } from "../protocol/index.ts";

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
}

/**
 * The procedures that a driver has, named as their rows; a missing one is answered with libvirt's "not supported".
 * Arguments and results are the row's own; a domain in the arguments is looked up by its uuid alone. A handler may be
 * async, and throws VirError; anything else that it throws reaches the client as an internal error.
 */
export type DriverProcedures = Partial<Handlers<typeof driverProcedures, CallContext>>;

/** A domain has changed its state: numbers of `Lifecycle`. */
export interface LifecycleEvent {
  readonly name: "lifecycle";
  /** As libvirt tells it: `id` is -1 once it was destroyed, and still the old one when it ended by itself. */
  readonly domain: Domain;
  readonly event: number;
  readonly detail: number;
}

/** What drivers report of their domains, by name. */
export type DomainEvent = LifecycleEvent;

/**
 * A hypervisor, as the daemon sees it: all that `src/daemon` knows of one is here.
 *
 * After `close` has resolved nothing is called back any more, and every call fails.
 */
export interface Driver {
  /** For messages and logs: "qemu". */
  readonly name: string;
  /** Whether a connection to this URI (`qemu:///system`) is this driver's; the first that accepts has it. */
  accepts(uri: string): boolean;
  /** The features (VIR_DRV_FEATURE_*) that depend on the hypervisor; the wire's own are the daemon's to answer. */
  readonly features: ReadonlySet<number>;
  readonly procedures: DriverProcedures;
  /**
   * Reports every event from here on, in the order in which they happened, synchronously, until the function returned
   * is called; after that none, not even one that is being delivered to others.
   */
  subscribe(listener: (event: DomainEvent) => void): () => void;
  /** Lets go of the guests, which run on. Idempotent. */
  close(): Promise<void>;
}
