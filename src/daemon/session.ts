import type { DomainMonitorEvent, Driver, Hypervisor, HypervisorHold } from "../driver/driver.ts";
import {
  AuthType,
  connectReadOnly,
  type DomainEvent,
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  VirError,
} from "../protocol/index.ts";
import { CursorSubscriptions, type CursorSubscriptionsOptions } from "./cursor-subscriptions.ts";
import { MonitorSubscriptions } from "./monitor-subscriptions.ts";
import { ObjectSubscriptions } from "./object-subscriptions.ts";
import type { Polkit } from "./polkit/polkit.ts";
import { PolkitLogIn } from "./polkit/polkit-log-in.ts";
import { type Principal, subjectOf } from "./principal.ts";
import { internalError } from "./refusal.ts";
import { LogIn, type LogInOptions } from "./sasl/log-in.ts";
import type { PasswordGate } from "./sasl/password-gate.ts";
import { type Subscription, Subscriptions } from "./subscriptions.ts";

/**
 * Who may use a socket. "none": everybody who can connect, so the file's mode and group decide. "credentials": root and
 * the daemon's own user, as the kernel tells them. "sasl": users of the daemon's table, by a password. "polkit": root, and
 * whom polkit lets in.
 */
export type AuthPolicy = "none" | "credentials" | "sasl" | "polkit";

export interface SessionOptions {
  readonly drivers: readonly Driver[];
  readonly auth: AuthPolicy;
  readonly principal: Principal;
  /** How users log in; absent: nobody does. */
  readonly logIn?: LogInSettings | undefined;
  /** The daemon's, for all passwords that are tried. */
  readonly passwords: PasswordGate;
  /** Who is asked where the policy is "polkit"; absent: nobody, and root alone comes in. */
  readonly polkit?: Polkit | undefined;
  /** Called with every refusal to let somebody in; `isLast`: the connection is to end. */
  readonly onRefusal: (reason: string, isLast: boolean) => void;
  /** The peer has shown who it is. */
  readonly onAuthenticated: () => void;
  /** The socket admits read-only connections alone. */
  readonly readOnly: boolean;
  readonly issueCallbackId: () => number;
  /** The session is open now. */
  readonly onOpen: () => void;
  readonly deliver: (subscription: Subscription, event: DomainEvent) => void;
  readonly cursors: Pick<CursorSubscriptionsOptions, "send" | "mayHear" | "isCongested" | "postpone">;
  /** Whether the peer may hear of an object of a kind; must not reject. */
  readonly mayHear: (kind: string, object: HeardObject) => boolean | Promise<boolean>;
  readonly deliverObject: (callbackId: number, event: ObjectEvent) => void;
  readonly deliverMonitor: (callbackId: number, event: DomainMonitorEvent) => void;
  /** Hears what has gone wrong with an event where nobody else does. */
  readonly onError: (error: unknown) => void;
}

/** What an event is about. */
export interface HeardObject {
  readonly name?: string;
  readonly uuid?: string;
}

/** Who may log in. */
export interface LogInSettings extends Pick<LogInOptions, "users" | "refuse"> {}

/** What a session has once it is open. */
export interface Opened {
  readonly hypervisor: Hypervisor;
  /** As the client named it. */
  readonly uri: string;
  readonly subscriptions: Subscriptions;
  readonly cursors: CursorSubscriptions;
  readonly objectSubscriptions: ObjectSubscriptions;
  readonly monitorSubscriptions: MonitorSubscriptions;
}

type State = "new" | "authenticated" | "opening" | "open" | "closed";

/**
 * A client's session with a hypervisor.
 *
 *     new -> authenticated -> opening -> open -> closed      (opening: on error: authenticated)
 *
 * authenticate:  new -> authenticated, where the kernel's word is enough; later it only answers.
 * logIn, polkit: new; their success: new -> authenticated.
 * open:          authenticated -> opening -> open; without the step between where the driver does not need to wait; throws when closed.
 * opened:        open; otherwise it throws.
 * close:         any -> closed; idempotent; ends the subscriptions, and its share in the hypervisor.
 */
export class Session {
  readonly #options: SessionOptions;
  #state: State;
  #readOnly: boolean;
  #opened: Opened | undefined;
  #hold: HypervisorHold | undefined;
  #principal: Principal;
  #logIn: LogIn | undefined;
  #polkit: PolkitLogIn | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#principal = options.principal;
    this.#readOnly = options.readOnly;
    this.#state = options.auth === "none" ? "authenticated" : "new";
  }

  get state(): State {
    return this.#state;
  }

  get readOnly(): boolean {
    return this.#readOnly;
  }

  /** Throws libvirt's error while no hypervisor is open. */
  get opened(): Opened {
    if (this.#opened === undefined) throw internalError("hypervisor connection not open");
    return this.#opened;
  }

  /** The ways to authenticate that are left: none, for those who may come in. */
  authenticate(): readonly number[] {
    if (this.#state === "new" && this.#options.auth === "sasl") return [AuthType.sasl];
    // As with libvirtd: root gets in where polkit does not run.
    const isForPolkit = this.#options.auth === "polkit" && this.#principal.identity?.uid !== 0;
    if (this.#state === "new" && isForPolkit) return [AuthType.polkit];
    if (this.#state === "new") this.#checkIdentity();
    return [AuthType.none];
  }

  /** Who is there; with the name under which they have logged in, from then on. */
  get principal(): Principal {
    return this.#principal;
  }

  /** Throws libvirt's error where nobody has to log in, or has done so. */
  get logIn(): LogIn {
    const { auth, logIn: settings, passwords: gate, onRefusal } = this.#options;
    if (auth !== "sasl" || settings === undefined || this.#state !== "new") throw noSuchLogIn();
    this.#logIn ??= new LogIn({
      ...settings,
      gate,
      isWanted: () => this.#state === "new",
      onRefusal,
      onUser: (user) => this.#welcome(user),
    });
    return this.#logIn;
  }

  /** As `logIn`. */
  get polkit(): PolkitLogIn {
    const { auth, polkit, readOnly, onRefusal } = this.#options;
    if (auth !== "polkit" || this.#state !== "new") throw noSuchLogIn();
    this.#polkit ??= new PolkitLogIn({
      polkit,
      readOnly,
      subject: subjectOf(this.#principal),
      onAllowed: () => this.#letIn(),
      onRefusal: (reason) => onRefusal(reason, false),
    });
    return this.#polkit;
  }

  /** The client can do nothing about how long it takes until a hypervisor is open. */
  get isHeldUp(): boolean {
    return this.#state === "opening" || this.#polkit?.isAsking === true;
  }

  /** Takes the first driver that accepts the URI. */
  open(uri: string | null, flags: number): void | Promise<void> {
    if (this.#state === "open" || this.#state === "opening") throw internalError("connection already open");
    // Nobody would close what is opened for somebody who has left.
    if (this.#state === "closed") throw internalError("the connection is closed");
    if (uri === null) throw internalError("connection not open");
    const driver = this.#options.drivers.find((each) => each.accepts(uri));
    if (driver === undefined) throw VirError.of(ErrorCode.noConnect, ErrorDomain.none, uri);
    const { identity } = this.#principal;
    const readOnly = this.#readOnly || (flags & connectReadOnly) !== 0;
    const hold = driver.connect(uri, identity === undefined ? { readOnly } : { readOnly, identity });
    if (!(hold instanceof Promise)) return this.#begin(hold, uri, flags);
    this.#state = "opening";
    return hold.then(
      (ready) => this.#begin(ready, uri, flags),
      (error: unknown) => {
        if (this.#state === "opening") this.#state = "authenticated";
        throw error;
      },
    );
  }

  /** What the hypervisor promises of our own program; nothing before it is open. */
  get extensions(): readonly string[] {
    const { snapshot, faultAdd } = this.#opened?.hypervisor.procedures ?? {};
    return [...(snapshot === undefined ? [] : ["snapshot"]), ...(faultAdd === undefined ? [] : ["faults"])];
  }

  /** There is room for events that wait. */
  pump(): void {
    this.#opened?.cursors.pump();
  }

  close(): void {
    this.#state = "closed";
    this.#polkit?.close();
    this.#opened?.subscriptions.close();
    this.#opened?.cursors.close();
    this.#opened?.objectSubscriptions.close();
    this.#opened?.monitorSubscriptions.close();
    this.#opened = undefined;
    this.#hold?.release();
    this.#hold = undefined;
  }

  #begin(hold: HypervisorHold, uri: string, flags: number): void {
    if (this.#state === "closed") {
      hold.release();
      throw internalError("the connection was closed while the hypervisor was opened");
    }
    const { hypervisor } = hold;
    const { issueCallbackId, deliver, deliverObject, deliverMonitor, cursors, mayHear, onError } = this.#options;
    this.#hold = hold;
    this.#opened = {
      hypervisor,
      uri,
      subscriptions: new Subscriptions({
        hypervisor,
        issueCallbackId,
        deliver,
        mayHear: ({ dom }) => mayHear("domain", dom),
        onError,
      }),
      cursors: new CursorSubscriptions({ hypervisor, issueCallbackId, ...cursors }),
      objectSubscriptions: new ObjectSubscriptions({
        source: hypervisor.objectEvents,
        issueCallbackId,
        deliver: deliverObject,
        mayHear: (event) => mayHear(...objectOf(event)),
        onError,
      }),
      monitorSubscriptions: new MonitorSubscriptions({
        source: hypervisor.monitorEvents,
        issueCallbackId,
        deliver: deliverMonitor,
        mayHear: ({ dom }) => mayHear("domain", dom),
        onError,
      }),
    };
    this.#readOnly ||= (flags & connectReadOnly) !== 0;
    this.#state = "open";
    this.#options.onOpen();
  }

  #welcome(user: string): void {
    if (this.#state !== "new") return;
    this.#principal = { ...this.#principal, user };
    this.#letIn();
  }

  #letIn(): void {
    if (this.#state !== "new") return;
    this.#state = "authenticated";
    this.#options.onAuthenticated();
  }

  #checkIdentity(): void {
    const uid = this.#principal.identity?.uid;
    if (uid !== 0 && uid !== process.getuid?.()) {
      const detail = `user ${uid ?? "unknown"} may not use this socket: only root and the daemon's own user may`;
      throw VirError.of(ErrorCode.authFailed, ErrorDomain.rpc, detail);
    }
    this.#state = "authenticated";
  }
}

function objectOf(event: ObjectEvent): [kind: string, object: HeardObject] {
  if ("net" in event) return ["network", event.net];
  if ("pool" in event) return ["storage_pool", event.pool];
  return "dev" in event ? ["node_device", event.dev] : ["secret", event.secret];
}

function noSuchLogIn(): VirError {
  return VirError.of(ErrorCode.authFailed, ErrorDomain.rpc, "authentication failed");
}
