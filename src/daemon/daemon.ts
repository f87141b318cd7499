import { closeSync } from "node:fs";
import type { Driver } from "../driver/driver.ts";
import {
  Breather,
  DeadlineError,
  Deferred,
  type Handle,
  type Loop,
  StateError,
  type Transport,
} from "../event/index.ts";
import type { TlsIdentity } from "../net/index.ts";
import { identifyProcess } from "../os/index.ts";
import type { ConnectionOptions, KeepaliveOptions } from "../rpc/index.ts";
import { AccessGate } from "./access/access-gate.ts";
import type { AccessRules } from "./access/access-rules.ts";
import type { ClientReport } from "./admin/client-report.ts";
import type { ClientLimits, Servant } from "./admin/servant.ts";
import type { Audit } from "./audit.ts";
import { CallMeter } from "./call-meter.ts";
import { Doors, type Origin, type PortOptions, type SocketOptions, type WebSocketOptions } from "./doors.ts";
import type { Log } from "./log.ts";
import { Peer, type UnopenedLimits } from "./peer.ts";
import { type Pkcheck, Polkit } from "./polkit/polkit.ts";
import { PolkitJudge } from "./polkit/polkit-judge.ts";
import { describePrincipal, type Principal } from "./principal.ts";
import { RefusalNotes } from "./refusal-notes.ts";
import { Repeats } from "./repeats.ts";
import { PasswordGate } from "./sasl/password-gate.ts";
import type { LogInSettings } from "./session.ts";

export interface DaemonOptions extends DaemonLimits {
  /** In the order in which they are asked whether a URI is theirs. They stay the caller's to close. */
  readonly drivers: readonly Driver[];
  readonly log?: Log;
  /** Who may log in where the policy is "sasl"; without it nobody can. */
  readonly logIn?: LogInSettings | undefined;
  /** How polkit is asked, where it is to be. Without it nobody is let in by it. */
  readonly pkcheck?: Pkcheck | undefined;
  /** Who may do what; without them everybody who is in may do everything that their door allows. */
  readonly access?: AccessRules | "polkit" | undefined;
  /** Told of every call that was to change something. */
  readonly audit?: Audit | undefined;
}

/** What can be changed while the daemon is open. */
export interface DaemonLimits {
  readonly limits?: Limits;
  /**
   * When a silent client is asked for a sign of life, and when given up. Default: every 5 s, 5 times. "off": never; theirs
   * are answered.
   */
  readonly keepalive?: KeepaliveOptions | "off";
}

/** Those of each client, and of all together. `patienceMs` is 30,000 by default. */
export interface Limits extends Omit<ConnectionOptions, "releaseFds" | "breather">, UnopenedLimits {
  /** Connections at once; more wait in the sockets' queues until one ends. Default 5,000. */
  readonly clients?: number;
  /** Of them, those who have to log in and have not yet: one more, and the oldest is dropped. Default 20. */
  readonly anonymousClients?: number;
}

/**
 * Serves drivers to clients that speak libvirt's protocol.
 *
 *     open -> closing -> closed
 *
 * listen, listenAt, listenForBrowsers, accept: open.
 * renew: open. Handshakes at all ports from here on are made with these files.
 * configure: open. All limits anew, given or default: that of clients at once, the others for those who come.
 * close: open -> closing: no new connections; calls under way are answered, at the latest after `lingerMs`; then the
 *        connections close. Idempotent.
 */
export class Daemon implements Handle, Servant {
  /** Of all calls of all clients. */
  readonly meter = new CallMeter();
  readonly #loop: Loop;
  readonly #drivers: readonly Driver[];
  readonly #log: Log;
  readonly #logIn: LogInSettings | undefined;
  readonly #polkit: Polkit | undefined;
  readonly #audit: Audit | undefined;
  #access: AccessGate | undefined;
  #limits: DaemonLimits;
  readonly #breather: Breather;
  readonly #doors: Doors;
  /** With when they came, for the administrator. */
  readonly #peers = new Map<Peer, Pick<ClientReport, "id" | "since">>();
  /** Those who have not logged in yet, the oldest first. */
  readonly #anonymous = new Set<Peer>();
  readonly #repeats = new Repeats();
  readonly #logInRefusals: RefusalNotes;
  readonly #passwords = new PasswordGate();
  readonly #closed = new Deferred();
  #state: "open" | "closing" | "closed" = "open";
  #quietSince: number;
  #peerCount = 0;
  #full = false;
  #nextCallbackId = 0;

  constructor(loop: Loop, options: DaemonOptions) {
    this.#loop = loop;
    this.#drivers = options.drivers;
    this.#log = options.log ?? (() => {});
    this.#logIn = options.logIn;
    const { pkcheck } = options;
    this.#polkit = pkcheck === undefined ? undefined : new Polkit({ loop, pkcheck });
    this.#limits = options;
    this.#breather = new Breather(loop);
    this.#quietSince = loop.now();
    const note = (level: "info" | "warn", message: string): void => this.#note(level, message);
    this.#doors = new Doors({ loop, note, accept: (transport, origin) => this.accept(transport, origin) });
    this.#logInRefusals = new RefusalNotes(
      () => loop.now(),
      (message) => note("warn", message),
    );
    this.#audit = options.audit;
    this.rule(options.access);
  }

  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** Connections at present. */
  get size(): number {
    return this.#peers.size;
  }

  /** As `Doors`, as the next three; nobody more comes in while there are as many clients as there may be. */
  listen(options: SocketOptions): void {
    this.#checkOpen();
    this.#doors.listen(options);
  }

  async listenAt(options: PortOptions): Promise<number> {
    this.#checkOpen();
    return this.#doors.listenAt(options);
  }

  async listenForBrowsers(options: WebSocketOptions): Promise<number> {
    this.#checkOpen();
    return this.#doors.listenForBrowsers(options);
  }

  renew(identity: TlsIdentity): void {
    this.#doors.renew(identity);
  }

  /** Other rules, for calls from here on; those of clients that are there too. */
  rule(rules: AccessRules | "polkit" | undefined): void {
    const pause = (): Promise<void> => this.#breather.breathe();
    const judge = rules === "polkit" ? new PolkitJudge(this.#polkit) : rules;
    this.#access = judge === undefined ? undefined : new AccessGate({ judge, log: this.#log, pause });
  }

  /** Somebody may come in by TLS. */
  get hasTls(): boolean {
    return this.#doors.hasTls;
  }

  /** Since when, on the loop's clock, nobody has been connected; undefined while somebody is. */
  get quietSince(): number | undefined {
    return this.#peers.size > 0 ? undefined : this.#quietSince;
  }

  clients(): readonly ClientReport[] {
    return [...this.#peers].map(([peer, { id, since }]) => ({
      id,
      since,
      readOnly: peer.readOnly,
      isAnonymous: this.#anonymous.has(peer),
      principal: peer.principal,
    }));
  }

  /** Of all clients together. */
  get callsUnderWay(): number {
    let sum = 0;
    for (const peer of this.#peers.keys()) sum += peer.callsUnderWay;
    return sum;
  }

  /** Of each client that has calls which have come and not been begun: how many. */
  get queueLengths(): readonly number[] {
    return Array.from(this.#peers.keys(), (peer) => peer.callsWaiting).filter((length) => length > 0);
  }

  disconnect(id: number): boolean {
    const [peer] = [...this.#peers].find(([, report]) => report.id === id) ?? [];
    peer?.drop(new Error("it was disconnected by the administrator"));
    return peer !== undefined;
  }

  limits(): ClientLimits {
    return { clients: this.#clientLimit, anonymousClients: this.#anonymousLimit };
  }

  /** Until `configure` says otherwise. */
  setLimits({ clients, anonymousClients }: ClientLimits): void {
    this.configure({ ...this.#limits, limits: { ...this.#limits.limits, clients, anonymousClients } });
  }

  configure(limits: DaemonLimits): void {
    this.#checkOpen();
    this.#limits = limits;
    this.#regulate();
  }

  /** Serves a connection that is already there and idle, from whatever transport; beyond the limit it is closed. */
  accept(transport: Transport, origin: Origin = {}): void {
    this.#checkOpen();
    const limits = this.#limits.limits ?? {};
    const clients = this.#clientLimit;
    if (this.#peers.size >= clients) {
      this.#note("warn", `too many clients: a connection beyond ${clients} was dropped`);
      return transport.close();
    }
    const number = ++this.#peerCount;
    const peer = new Peer(this.#loop, transport, {
      drivers: this.#drivers,
      auth: origin.auth ?? "none",
      readOnly: origin.readOnly ?? false,
      principal: this.#principalOf(origin),
      logIn: this.#logIn,
      polkit: this.#polkit,
      passwords: this.#passwords,
      access: () => this.#access,
      audit: this.#audit,
      meter: this.meter,
      connection: {
        ...limits,
        passesFds: origin.passesFds ?? false,
        releaseFds: closeAll,
        breather: this.#breather,
      },
      unopened: limits,
      keepalive: this.#limits.keepalive ?? { intervalMs: 5_000, count: 5 },
      repeats: this.#repeats,
      issueCallbackId: () => this.#nextCallbackId++,
      log: (entry) => this.#log({ ...entry, peer: number }),
      noteRefusal: (message) => this.#logInRefusals.add(message),
      onAuthenticated: () => {
        this.#anonymous.delete(peer);
        const message = `logged in: ${describePrincipal(peer.principal)}`;
        this.#log({ level: "info", source: "daemon", message, peer: number });
      },
      onClose: (cause) => this.#remove(peer, number, cause),
    });
    this.#peers.set(peer, { id: number, since: Math.floor(Date.now() / 1_000) });
    this.#log({
      level: "debug",
      source: "rpc",
      message: `connected: ${describePrincipal(peer.principal)}`,
      peer: number,
    });
    if (hasToLogIn(origin)) this.#admitAnonymous(peer);
    this.#regulate();
  }

  close(lingerMs = 5_000): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      this.#doors.close().catch(() => {});
      for (const peer of this.#peers.keys()) peer.end(lingerMs);
      this.#tryClose();
    }
    return this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Those who are serious log in soon; the oldest has had the longest time for it, unless others take their time over it. */
  #admitAnonymous(peer: Peer): void {
    const others = [...this.#anonymous];
    this.#anonymous.add(peer);
    const limit = this.#anonymousLimit;
    const oldest = others.find(({ isHeldUp }) => !isHeldUp) ?? others[0] ?? peer;
    if (this.#anonymous.size <= limit) return;
    this.#anonymous.delete(oldest);
    oldest.drop(new DeadlineError(`${limit} others have not logged in yet either, and this was the oldest`));
  }

  /** Which process it is polkit has to know as soon as it is there: its number may be another's later. */
  #principalOf({ door = "memory", identity, groups, certificate, address }: Origin): Principal {
    const known = this.#polkit === undefined || identity === undefined ? undefined : identifyProcess(identity.pid);
    return { door, identity, startTime: known?.startTime, groups, certificate, address };
  }

  #remove(peer: Peer, number: number, cause: Error | undefined): void {
    this.#peers.delete(peer);
    this.#anonymous.delete(peer);
    this.#quietSince = this.#loop.now();
    if (cause === undefined) this.#log({ level: "debug", source: "rpc", message: "disconnected", peer: number });
    else this.#log({ level: "warn", source: "rpc", message: `dropped: ${cause.message}`, peer: number, error: cause });
    this.#regulate();
    this.#tryClose();
  }

  get #clientLimit(): number {
    return this.#limits.limits?.clients ?? 5_000;
  }

  get #anonymousLimit(): number {
    return this.#limits.limits?.anonymousClients ?? 20;
  }

  /** A full daemon leaves those who come in the sockets' queues. */
  #regulate(): void {
    const full = this.#peers.size >= this.#clientLimit;
    if (full) this.#doors.pause();
    else this.#doors.resume();
    if (full === this.#full || this.#state !== "open") return;
    this.#full = full;
    if (full) this.#note("warn", `all ${this.#clientLimit} connections are in use: more wait until one ends`);
    else this.#note("info", "there is room for more connections again");
  }

  #note(level: "info" | "warn", message: string): void {
    this.#log({ level, source: "daemon", message });
  }

  #tryClose(): void {
    if (this.#state !== "closing" || this.#peers.size > 0) return;
    this.#state = "closed";
    this.#doors.close().then(
      () => this.#closed.resolve(),
      (error: unknown) => this.#closed.reject(error),
    );
  }

  #checkOpen(): void {
    if (this.#state !== "open") throw new StateError(`the daemon is ${this.#state}: it takes no connections`);
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}

function hasToLogIn({ auth, identity }: Origin): boolean {
  return auth === "sasl" || (auth === "polkit" && identity?.uid !== 0);
}
