import type { Identity } from "../../driver/driver.ts";
import { DeadlineError, type Handle, type Loop, StateError, type Timeout, type Transport } from "../../event/index.ts";
import { listenUnix, type SocketFileOptions, type UnixListener } from "../../os/index.ts";
import { admin, Status, VirError } from "../../protocol/index.ts";
import { Connection, type IncomingCall, type KeepaliveOptions } from "../../rpc/index.ts";
import { decode } from "../../xdr/index.ts";
import type { Daemon } from "../daemon.ts";
import { internalError, rpcError } from "../refusal.ts";
import { type AdminContext, adminHandlers, type Workers } from "./admin-procedures.ts";
import type { ClientReport } from "./client-report.ts";
import type { LogControl, Servant } from "./servant.ts";

export interface AdminServerOptions {
  readonly daemon: Daemon;
  readonly log: LogControl;
  /** Reads the files of TLS again. Throws what is wrong with them. */
  readonly renewTls: () => void;
  /** Ends the daemon after so many seconds without clients; 0: never. */
  readonly setTimeout: (seconds: number) => void;
  readonly shutDown: () => void;
  readonly keepalive?: KeepaliveOptions;
}

/** Of a client that has not opened its session. */
const openWithinMs = 30_000;

/**
 * Serves the daemon's own administration: who is connected, limits, logs.
 *
 *     open -> closed
 *
 * listen, accept: open. Only root and the daemon's own user are let in.
 * close: open -> closed; idempotent. Connections close at once.
 */
export class AdminServer implements Handle {
  readonly #loop: Loop;
  readonly #options: AdminServerOptions;
  readonly #listeners: UnixListener[] = [];
  readonly #sessions = new Map<number, AdminSession>();
  readonly #workers = new Map<string, Workers>();
  #count = 0;
  #limit = 5_000;
  #isClosed = false;

  constructor(loop: Loop, options: AdminServerOptions) {
    this.#loop = loop;
    this.#options = options;
  }

  /** Throws when the path is served already or cannot be created. */
  listen(path: string, file: SocketFileOptions): void {
    this.#checkOpen();
    this.#listeners.push(listenUnix(this.#loop, path, file, (transport) => this.accept(transport, transport.peer)));
  }

  accept(transport: Transport, identity: Identity): void {
    this.#checkOpen();
    const mayEnter = identity.uid === 0 || identity.uid === process.getuid?.();
    if (!mayEnter || this.#sessions.size >= this.#limit) return transport.close();
    const id = ++this.#count;
    const session = new AdminSession(this.#loop, transport, {
      id,
      identity,
      keepalive: this.#options.keepalive ?? { intervalMs: 5_000, count: 5 },
      handle: (name, args) => this.#handle(name, args, session),
      onClose: () => this.#sessions.delete(id),
    });
    this.#sessions.set(id, session);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.close();
    for (const session of this.#sessions.values()) session.drop();
    await Promise.all(this.#listeners.map(({ closed }) => closed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #handle(name: string, args: unknown, session: AdminSession): unknown {
    const table = adminHandlers as Readonly<Record<string, (args: unknown, context: unknown) => unknown>>;
    const context: AdminContext = {
      ...this.#options,
      workers: this.#workers,
      admin: this.#servant,
      leave: () => session.leave(),
    };
    return table[name]?.(args, context);
  }

  /** What is to be said about this server itself. */
  get #servant(): Servant {
    return {
      clients: () => [...this.#sessions.values()].map((session) => session.report),
      disconnect: (id) => this.#sessions.get(id)?.leave() !== undefined,
      limits: () => ({ clients: this.#limit, anonymousClients: 0 }),
      setLimits: ({ clients }) => {
        this.#limit = clients;
      },
    };
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StateError("the administration is closed");
  }
}

interface AdminSessionOptions {
  readonly id: number;
  readonly identity: Identity;
  readonly keepalive: KeepaliveOptions;
  readonly handle: (name: string, args: unknown) => unknown;
  readonly onClose: () => void;
}

const rows = new Map(Object.entries(admin.procedures).map(([name, row]) => [row.number, { name, row }] as const));

/** One connection. */
class AdminSession {
  readonly report: ClientReport;
  readonly #connection: Connection;
  readonly #options: AdminSessionOptions;
  readonly #loop: Loop;
  readonly #openBy: Timeout;
  #isOpen = false;

  constructor(loop: Loop, transport: Transport, options: AdminSessionOptions) {
    this.#loop = loop;
    this.#options = options;
    const { id, identity } = options;
    this.report = {
      id,
      since: Math.floor(Date.now() / 1_000),
      readOnly: false,
      isAnonymous: false,
      principal: { door: "unix", identity },
    };
    this.#connection = new Connection(loop, transport, {
      messageLength: 262_144,
      patienceMs: 30_000,
      callsUnderWay: 5,
    });
    this.#openBy = loop.timeout(loop.now() + openWithinMs, () => {
      this.#connection.close(new DeadlineError(`no session was opened within ${openWithinMs} ms`));
    });
    this.#connection.open({
      onCall: (call) => void this.#answer(call),
      onClose: () => {
        this.#openBy.remove();
        options.onClose();
      },
    });
  }

  /** Once the reply to the call under way has left. */
  leave(): true {
    this.#loop.post(() => this.#connection.end(1_000));
    return true;
  }

  drop(): void {
    this.#connection.close();
  }

  async #answer(call: IncomingCall): Promise<void> {
    try {
      const { name, row } = this.#find(call);
      call.reply<unknown>(row.ret, (await this.#options.handle(name, readArgs(row, call))) ?? {}, []);
      if (name === "connectOpen") this.#open();
    } catch (error) {
      call.fail(error instanceof VirError ? error : internalError((error as Error).message, error));
    }
  }

  #find({ header }: IncomingCall) {
    const { program, version, procedure, status } = header;
    if (program !== admin.number || version !== admin.version)
      throw rpcError(`Cannot find program ${program} version ${version}`);
    if (status !== Status.ok) throw rpcError(`Unexpected message status ${status}`);
    const found = rows.get(procedure);
    if (found === undefined) throw rpcError(`unknown procedure: ${procedure}`);
    const isFirst = found.name === "connectOpen";
    if (isFirst && this.#isOpen) throw internalError("connection already open");
    if (!isFirst && !this.#isOpen && found.name !== "connectClose") throw internalError("no admin connection");
    return found;
  }

  #open(): void {
    this.#isOpen = true;
    this.#openBy.remove();
  }
}

function readArgs(row: (typeof admin.procedures)[keyof typeof admin.procedures], call: IncomingCall): unknown {
  try {
    return decode<unknown>(row.args, call.args);
  } catch (cause) {
    throw rpcError("Unable to decode message payload", cause);
  }
}
