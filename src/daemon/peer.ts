import type { Driver, Hypervisor } from "../driver/driver.ts";
import { DeadlineError, type Loop, type Timeout, type Transport } from "../event/index.ts";
import {
  type DomainEvent,
  ErrorCode,
  ErrorDomain,
  type Header,
  messageLengthLimit,
  type ObjectEvent,
  ownDaemonProcedures,
  qemu,
  remote,
  VirError,
  virtwright,
} from "../protocol/index.ts";
import { Connection, type ConnectionOptions, type IncomingCall, type KeepaliveOptions } from "../rpc/index.ts";
import type { AccessGate } from "./access/access-gate.ts";
import { checkArguments } from "./argument-rules.ts";
import { type Audit, auditRecord } from "./audit.ts";
import { authenticationHandlers } from "./authentication-procedures.ts";
import type { CallMeter } from "./call-meter.ts";
import { type DaemonContext, daemonHandlers } from "./daemon-procedures.ts";
import { eventBytes, legacyEventBytes } from "./event-bytes.ts";
import type { Log } from "./log.ts";
import { monitorEventHandlers } from "./monitor-event-procedures.ts";
import { objectEventHandlers } from "./object-event-procedures.ts";
import { PeerCall } from "./peer-call.ts";
import type { Polkit } from "./polkit/polkit.ts";
import { type Preparation, PreparedCalls } from "./prepared-calls.ts";
import { describePrincipal, keyOf, type Principal } from "./principal.ts";
import { internalError, rpcError } from "./refusal.ts";
import type { Repeats } from "./repeats.ts";
import { checkReadOnly, type Route, unsupported } from "./route.ts";
import type { PasswordGate } from "./sasl/password-gate.ts";
import { type AuthPolicy, type HeardObject, type LogInSettings, type Opened, Session } from "./session.ts";
import { eventHandlers, type SessionContext, sessionHandlers } from "./session-procedures.ts";
import type { Subscription } from "./subscriptions.ts";

export interface PeerOptions {
  readonly drivers: readonly Driver[];
  readonly auth: AuthPolicy;
  /** The socket admits read-only connections alone. */
  readonly readOnly: boolean;
  readonly principal: Principal;
  /** How users log in, where the policy is "sasl". */
  readonly logIn: LogInSettings | undefined;
  /** Who is asked where the policy is "polkit". */
  readonly polkit: Polkit | undefined;
  /** For all passwords that the daemon tries. */
  readonly passwords: PasswordGate;
  /** What is asked before each call; undefined: nothing. */
  readonly access: () => AccessGate | undefined;
  readonly audit: Audit | undefined;
  readonly meter: CallMeter;
  readonly connection: ConnectionOptions;
  /** What a peer may do that has not opened a hypervisor yet. */
  readonly unopened: UnopenedLimits;
  readonly keepalive: KeepaliveOptions | "off";
  readonly issueCallbackId: () => number;
  /** The daemon's memory of calls with keys. */
  readonly repeats: Repeats;
  readonly log: Log;
  /** For the log, of somebody who could not log in. */
  readonly noteRefusal: (message: string) => void;
  /** Once, when somebody who had to has shown who they are. */
  readonly onAuthenticated: () => void;
  /** Once, when the connection is over. */
  readonly onClose: (cause?: Error) => void;
}

/** Of those who have not opened a hypervisor, and whom nobody knows yet. */
export interface UnopenedLimits {
  /** How long a connection may be like that, in ms. Then it is dropped. Default 30,000. */
  readonly openWithinMs?: number;
  /** Longest message that is read of it, in bytes; a longer one ends the connection. Default 256 KiB. */
  readonly unopenedMessageLength?: number;
}

type Fields = Readonly<Record<string, unknown>>;
type Handler = (args: unknown, context: unknown) => unknown;
type HandlerTable = Readonly<Record<string, Handler | undefined>>;

const { callCancel } = ownDaemonProcedures;

/** From a call's deadline until it is given up whatever its handler does. */
const graceMs = 10;

/**
 * The daemon's side of one connection. Every call passes the gates here and goes to the daemon's own handlers or to the
 * session's hypervisor; events come back the same way.
 *
 *     open -> ending -> closed
 *
 * end: open -> ending: calls under way are answered, later ones dropped; then, or after `lingerMs`, it closes.
 */
export class Peer {
  readonly #loop: Loop;
  readonly #options: PeerOptions;
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #sessionContext: SessionContext;
  readonly #daemonContext: DaemonContext;
  readonly #prepared = new PreparedCalls();
  /** Those whose handlers have not returned yet. */
  readonly #underWay = new Set<PeerCall>();
  #stopHearingOfLoss: (() => void) | undefined;
  /** Until the hypervisor is open. */
  readonly #openBy: Timeout;
  #hasMisbehaved = false;

  constructor(loop: Loop, transport: Transport, options: PeerOptions) {
    this.#loop = loop;
    this.#options = options;
    const { messageLength = messageLengthLimit } = options.connection;
    const { openWithinMs = 30_000, unopenedMessageLength = 262_144 } = options.unopened;
    this.#connection = new Connection(loop, transport, {
      patienceMs: 30_000,
      ...options.connection,
      messageLength: Math.min(messageLength, unopenedMessageLength),
    });
    this.#session = new Session({
      ...options,
      onRefusal: (reason, isLast) => this.#onRefusal(reason, isLast),
      onOpen: () => {
        this.#openBy.remove();
        this.#connection.messageLength = messageLength;
      },
      mayHear: (kind, object) => this.#hears(kind, object),
      onError: (error) => {
        const message = `an event could not be told: ${error instanceof Error ? error.message : String(error)}`;
        options.log({ level: "error", source: "daemon", message, error });
      },
      deliver: (subscription, event) => this.#deliver(subscription, event),
      deliverObject: (callbackId, event) => this.#deliverObject(callbackId, event),
      deliverMonitor: (callbackId, event) => {
        this.#connection.sendEvent(qemu, "domainMonitorEvent", { callbackId, ...event });
      },
      cursors: {
        send: {
          eventsNext: (message) => this.#connection.sendEvent(virtwright, "eventsNext", message),
          eventsGap: (message) => this.#connection.sendEvent(virtwright, "eventsGap", message),
        },
        mayHear: (dom) =>
          options.access()?.seesUnasked(this.principal, "domain", dom, this.#session.opened.hypervisor) !== false,
        isCongested: () => this.#connection.isCongested,
        postpone: (job) => void loop.post(job),
      },
    });
    this.#sessionContext = {
      session: this.#session,
      passesFds: options.connection.passesFds === true,
      startKeepalive: () => {
        if (options.keepalive !== "off") this.#connection.startKeepalive(options.keepalive);
      },
      // The reply is sent when the handler has returned, so that in the next turn it is under way.
      leave: () => loop.post(() => this.end()),
      hearOfLoss: (wanted) => this.#hearOfLoss(wanted),
    };
    this.#daemonContext = {
      session: this.#session,
      prepare: (serial, preparation) => this.#prepared.add(serial, preparation),
      cancel: (serial) => this.#cancel(serial),
    };
    this.#connection.open({
      onCall: (call) => this.#onCall(call),
      isUrgent: ({ program, procedure }) => program === virtwright.number && procedure === callCancel.number,
      onRoom: () => this.#session.pump(),
      onIgnored: (header) => this.#noteMisbehaviour(ignored(header)),
      onClose: (cause) => this.#onClose(cause),
    });
    const late = (): void => this.#onLate(loop.now(), openWithinMs);
    this.#openBy = loop.timeout(loop.now() + openWithinMs, late, { name: "opening of a hypervisor" });
  }

  /** Who is there, as far as it is known by now. */
  get principal(): Principal {
    return this.#session.principal;
  }

  /** It waits for somebody to say whether it may come in, or for its hypervisor. */
  get isHeldUp(): boolean {
    return this.#session.isHeldUp;
  }

  get readOnly(): boolean {
    return this.#session.readOnly;
  }

  /** Calls whose handlers have not returned yet. */
  get callsUnderWay(): number {
    return this.#underWay.size;
  }

  /** Calls that have come and not been begun. */
  get callsWaiting(): number {
    return this.#connection.callsWaiting;
  }

  end(lingerMs?: number): void {
    this.#connection.end(lingerMs);
  }

  /** Ends it at once. */
  drop(cause: Error): void {
    this.#connection.close(cause);
  }

  #onCall(call: IncomingCall): void {
    const peerCall = new PeerCall(call, this.#session.readOnly, this.principal.identity);
    peerCall.begun = this.#loop.now();
    try {
      const preparation = this.#prepared.take(call.header.serial);
      const handle = this.#admit(peerCall);
      const result = preparation === undefined ? handle() : this.#runPrepared(peerCall, preparation, handle);
      if (!(result instanceof Promise)) return this.#answer(peerCall, result);
      this.#underWay.add(peerCall);
      result
        .then((value: unknown) => this.#answer(peerCall, value))
        .catch((error: unknown) => this.#fail(peerCall, error));
    } catch (error) {
      this.#fail(peerCall, error);
    }
  }

  /** The gates, and who is behind them. Their order decides what a client hears when several are closed. */
  #admit(peerCall: PeerCall): () => unknown {
    const route = peerCall.find();
    if (this.#session.state === "new" && route.from !== "new") throw rpcError("authentication required");
    const args = peerCall.readArgs();
    const opened = route.from === "open" ? this.#session.opened : undefined;
    if (this.#session.readOnly) checkReadOnly(route, args);
    checkArguments(route.name, args, route.api);
    const [table, context] = this.#handlersOf(route, opened, peerCall);
    const handler = table?.[route.name];
    if (handler === undefined) throw unsupported(route);
    const gate = this.#options.access();
    if (gate === undefined || route.from === "new") return () => handler(args, context);
    const { principal } = this;
    const hypervisor: Pick<Hypervisor, "procedures" | "tagsOf" | "asksForTags"> = opened?.hypervisor ?? {
      procedures: {},
    };
    const checkWanted = (): void => this.#checkWanted(peerCall, opened);
    const where = { hypervisor, context: peerCall };
    const guarded = { route, args: args as Fields, principal, ...where, checkWanted };
    return () =>
      gate.run(guarded, (given, admitTags) => {
        if (admitTags !== undefined) peerCall.admitTags = admitTags;
        return handler(given, context);
      });
  }

  /** What was admitted a while ago may have no caller and no hypervisor any more. */
  #checkWanted(peerCall: PeerCall, opened: Opened | undefined): void {
    if (peerCall.isGivenUp || (opened !== undefined && this.#session.state !== "open"))
      throw callerLeft(peerCall.name, undefined);
  }

  #handlersOf({ owner }: Route, opened: Opened | undefined, peerCall: PeerCall): [HandlerTable | undefined, unknown] {
    if (owner === "session") return [sessionHandlers as HandlerTable, this.#sessionContext];
    if (owner === "authentication") return [authenticationHandlers as HandlerTable, this.#sessionContext];
    if (owner === "events") return [eventHandlers as HandlerTable, this.#sessionContext];
    if (owner === "objectEvents") return [objectEventHandlers as HandlerTable, this.#sessionContext];
    if (owner === "monitorEvents") return [monitorEventHandlers as HandlerTable, this.#sessionContext];
    if (owner === "daemon") return [daemonHandlers as HandlerTable, this.#daemonContext];
    return [owner === "hypervisor" ? (opened?.hypervisor.procedures as HandlerTable) : undefined, peerCall];
  }

  #runPrepared(peerCall: PeerCall, { timeoutMs, key }: Preparation, handle: () => unknown): unknown {
    if (timeoutMs > 0) this.#limit(peerCall, timeoutMs);
    if (key === null) return handle();
    peerCall.checkRepeatable(key);
    const { repeats } = this.#options;
    const { name, args, isReading } = peerCall;
    const { hypervisor: owner } = this.#session.opened;
    const isGivenUp = (): boolean => peerCall.isGivenUp;
    const scope = [keyOf(this.principal), name];
    return repeats.run({ key, owner, scope, args, isReading, isGivenUp }, handle);
  }

  /** The handler may give up at the deadline with a reason of its own; what is still under way then is given up here. */
  #limit(peerCall: PeerCall, timeoutMs: number): void {
    const deadline = this.#loop.now() + timeoutMs;
    peerCall.deadline = deadline;
    const timeout = this.#loop.timeout(deadline + graceMs, () => {
      this.#giveUp(peerCall, ErrorCode.operationTimeout, `${peerCall.name} has not ended within ${timeoutMs} ms`);
    });
    peerCall.onOver = () => timeout.remove();
  }

  #cancel(serial: number): boolean {
    const found = [...this.#underWay].find((each) => each.serial === serial);
    if (found !== undefined)
      this.#giveUp(found, ErrorCode.operationAborted, `${found.name} was cancelled by its caller`);
    return found !== undefined;
  }

  #giveUp(peerCall: PeerCall, code: ErrorCode, detail: string): void {
    const error = VirError.of(code, ErrorDomain.rpc, `${detail}; what it has begun may still happen`);
    peerCall.abort(error);
    this.#fail(peerCall, error);
  }

  #answer(peerCall: PeerCall, value: unknown): void {
    this.#underWay.delete(peerCall);
    const served = peerCall.answer(value);
    this.#record(peerCall, undefined);
    served?.serve(served.stream).catch((error: unknown) => served.stream.abort(this.#clientError(peerCall, error)));
  }

  #fail(peerCall: PeerCall, error: unknown): void {
    this.#underWay.delete(peerCall);
    const clientError = this.#clientError(peerCall, error);
    if (!peerCall.isRead) this.#noteMisbehaviour(clientError.message);
    peerCall.fail(clientError);
    this.#record(peerCall, clientError);
  }

  /** Once for each call: a handler that ends behind its deadline has been recorded by then. */
  #record(peerCall: PeerCall, error: VirError | undefined): void {
    const { audit, meter } = this.#options;
    const route = peerCall.takeRoute();
    if (route === undefined) return;
    const durationMs = this.#loop.now() - peerCall.begun;
    meter.count(route.name, error !== undefined, durationMs);
    if (audit === undefined) return;
    const record = auditRecord(this.principal, route, peerCall.args, { error, durationMs });
    if (record !== undefined) audit(record);
  }

  /** The client has its answer before the connection ends. */
  #onRefusal(reason: string, isLast: boolean): void {
    this.#options.noteRefusal(`${describePrincipal(this.principal)} was not let in: ${reason}`);
    if (isLast) this.#loop.post(() => this.end(1_000));
  }

  /** A log must not grow as fast as a peer can send. */
  #noteMisbehaviour(detail: string): void {
    if (this.#hasMisbehaved) return;
    this.#hasMisbehaved = true;
    this.#options.log({ level: "warn", source: "daemon", message: `misbehaves, which is logged once: ${detail}` });
  }

  #onLate(now: number, openWithinMs: number): void {
    // It is the hypervisor that takes its time, or somebody who is to type a password.
    if (this.#session.isHeldUp) return this.#openBy.modify(now + openWithinMs);
    this.#connection.close(new DeadlineError(`no hypervisor was opened within ${openWithinMs} ms`));
  }

  /** What is not a VirError is a fault of ours: it is logged, and the client hears its message as an internal error. */
  #clientError({ name }: PeerCall, error: unknown): VirError {
    if (error instanceof VirError) return error;
    const detail = error instanceof Error ? error.message : String(error);
    this.#options.log({ level: "error", source: "daemon", message: `${name} failed: ${detail}`, error });
    return internalError(detail, error);
  }

  /** Nobody hears of what they may not know of. */
  #hears(kind: string, object: HeardObject): boolean | Promise<boolean> {
    const gate = this.#options.access();
    return gate === undefined || gate.sees(this.principal, kind, object, this.#session.opened.hypervisor);
  }

  #deliver({ callbackId, legacy }: Subscription, event: DomainEvent): void {
    const message = legacy ? legacyEventBytes(event) : eventBytes(event, callbackId);
    if (message !== undefined) this.#connection.sendEncoded(message.head, message.rest);
  }

  #deliverObject(callbackId: number, { name, ...content }: ObjectEvent): void {
    this.#connection.sendEvent(remote, name, { callbackId, ...content } as never);
  }

  #hearOfLoss(wanted: boolean): void {
    this.#stopHearingOfLoss?.();
    this.#stopHearingOfLoss = undefined;
    if (!wanted) return;
    const tell = (reason: number): void =>
      this.#connection.sendEvent(remote, "connectEventConnectionClosed", { reason });
    this.#stopHearingOfLoss = this.#session.opened.hypervisor.onLost?.(tell);
  }

  #onClose(cause: Error | undefined): void {
    this.#openBy.remove();
    this.#hearOfLoss(false);
    this.#session.close();
    for (const call of this.#underWay) call.abort(callerLeft(call.name, cause));
    this.#options.onClose(cause);
  }
}

function callerLeft(name: string, cause: Error | undefined): VirError {
  return VirError.of(ErrorCode.operationAborted, ErrorDomain.rpc, `the caller of ${name} has left`, cause);
}

function ignored({ program, procedure, type }: Header): string {
  return `a message for nobody was ignored: program ${program}, procedure ${procedure}, type ${type}`;
}
