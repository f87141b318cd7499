import { admin, type Client, type AdminClient as WireClient } from "../protocol/index.ts";
import { clientOf, type Stream, Connection as Wire, type CallOptions as WireOptions } from "../rpc/index.ts";
import type { Connector } from "./connection-options.ts";
import { fromParams, type ParamValues, toParams } from "./typed-values.ts";

/** How a call of the administration is made. */
export interface AdminCallOptions {
  readonly signal?: AbortSignal;
  /** In ms; then it rejects with VirError operationTimeout. Default: 30,000. */
  readonly timeoutMs?: number;
}

/** What a server may have, and has. */
export interface ThreadPool {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly nWorkers: number;
  readonly freeWorkers: number;
  readonly prioWorkers: number;
  readonly jobQueueDepth: number;
}
export interface ClientLimits {
  readonly maxClients: number;
  readonly clients: number;
  /** Of those who have not logged in. */
  readonly maxAnonymous: number;
  readonly anonymous: number;
}

const limitNames = {
  maxClients: "nclients_max",
  clients: "nclients",
  maxAnonymous: "nclients_unauth_max",
  anonymous: "nclients_unauth",
} as const;

const transports = ["unix", "tcp", "tls"] as const;

type AdminCalls = Client<typeof admin.procedures, WireOptions, Stream>;

/**
 * A daemon's administration: ours, or one of libvirt's. Whoever may connect may do everything.
 *
 *     open -> closed      close: idempotent; calls that wait reject.
 *
 * All calls reject with VirError, and with StateError once it is closed.
 */
export class Admin implements AsyncDisposable {
  readonly #connector: Connector;
  readonly #wire: Wire;
  readonly #call: AdminCalls;
  #isClosed = false;

  private constructor(connector: Connector, wire: Wire) {
    this.#connector = connector;
    this.#wire = wire;
    this.#call = clientOf(wire, admin);
  }

  /** Rejects with what is in the way; nothing is left then. */
  static async open(connector: Connector, options: AdminCallOptions = {}): Promise<Admin> {
    const { timeoutMs = patienceMs, signal = new AbortController().signal } = options;
    let opened: Admin | undefined;
    try {
      const wire = new Wire(connector.loop, await connector.connect(signal));
      opened = new Admin(connector, wire);
      wire.open({ onClose: () => {} });
      await opened.#call.connectOpen({ flags: 0 }, { timeoutMs, signal });
      return opened;
    } catch (error) {
      if (opened === undefined) await endOf(connector);
      else await opened.close();
      throw error;
    }
  }

  /** Of the daemon: major * 1,000,000 + minor * 1,000 + release. */
  async libVersion(options?: AdminCallOptions): Promise<bigint> {
    return (await this.#call.connectGetLibVersion({}, patient(options))).libVer;
  }

  /** The parts of the daemon that have sockets and clients of their own: "libvirtd", "admin". */
  async servers(options?: AdminCallOptions): Promise<readonly AdminServer[]> {
    const { servers } = await this.#call.connectListServers({ needResults: 1, flags: 0 }, patient(options));
    return servers.map(({ name }) => new AdminServer(this.#call, name));
  }

  /** Rejects with noServer for one that is not there. */
  async server(name: string, options?: AdminCallOptions): Promise<AdminServer> {
    const { srv } = await this.#call.connectLookupServer({ name, flags: 0 }, patient(options));
    return new AdminServer(this.#call, srv.name);
  }

  /** Where the log goes, in the words of the configuration file. */
  async logOutputs(options?: AdminCallOptions): Promise<string> {
    return (await this.#call.connectGetLoggingOutputs({ flags: 0 }, patient(options))).outputs;
  }

  /** Undefined: as by default. */
  async setLogOutputs(outputs: string | undefined, options?: AdminCallOptions): Promise<void> {
    await this.#call.connectSetLoggingOutputs({ outputs: outputs ?? null, flags: 0 }, patient(options));
  }

  /** What the log has, in the words of the configuration file; "" for what it has by default. */
  async logFilters(options?: AdminCallOptions): Promise<string> {
    return (await this.#call.connectGetLoggingFilters({ flags: 0 }, patient(options))).filters ?? "";
  }

  /** Undefined: as by default. */
  async setLogFilters(filters: string | undefined, options?: AdminCallOptions): Promise<void> {
    await this.#call.connectSetLoggingFilters({ filters: filters ?? null, flags: 0 }, patient(options));
  }

  /** Has the daemon end after so many seconds without clients; 0 keeps it. */
  async setDaemonTimeout(seconds: number, options?: AdminCallOptions): Promise<void> {
    await this.#call.connectSetDaemonTimeout({ timeout: seconds, flags: 0 }, patient(options));
  }

  /** Ends the daemon. */
  async shutDownDaemon(options?: AdminCallOptions): Promise<void> {
    await this.#call.connectDaemonShutdown({ flags: 0 }, patient(options));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wire.close();
    await endOf(this.#connector);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A part of a daemon, by its name. */
export class AdminServer {
  readonly name: string;
  readonly #call: AdminCalls;

  constructor(call: AdminCalls, name: string) {
    this.#call = call;
    this.name = name;
  }

  async threadPool(options?: AdminCallOptions): Promise<ThreadPool> {
    const args = { srv: this.#self, flags: 0 };
    const { params } = await this.#call.serverGetThreadpoolParameters(args, patient(options));
    return fromParams(params) as unknown as ThreadPool;
  }

  async setThreadPool(
    change: Partial<Pick<ThreadPool, "minWorkers" | "maxWorkers" | "prioWorkers">>,
    options?: AdminCallOptions,
  ): Promise<void> {
    const args = { srv: this.#self, params: toParams(change), flags: 0 };
    await this.#call.serverSetThreadpoolParameters(args, patient(options));
  }

  async limits(options?: AdminCallOptions): Promise<ClientLimits> {
    const { params } = await this.#call.serverGetClientLimits({ srv: this.#self, flags: 0 }, patient(options));
    const values = fromParams(params);
    const entries = Object.entries(limitNames).map(([ours, name]) => [ours, values[name]]);
    return Object.fromEntries(entries) as ClientLimits;
  }

  async setLimits(
    change: Partial<Pick<ClientLimits, "maxClients" | "maxAnonymous">>,
    options?: AdminCallOptions,
  ): Promise<void> {
    const named = Object.entries(change).map(([ours, value]) => [limitNames[ours as keyof ClientLimits], value]);
    const params = toParams(Object.fromEntries(named) as Readonly<Record<string, number>>);
    await this.#call.serverSetClientLimits({ srv: this.#self, params, flags: 0 }, patient(options));
  }

  async clients(options?: AdminCallOptions): Promise<readonly AdminClient[]> {
    const args = { srv: this.#self, needResults: 1, flags: 0 };
    const { clients } = await this.#call.serverListClients(args, patient(options));
    return clients.map((client) => new AdminClient(this.#call, client));
  }

  /** Rejects with noClient for one that is not there. */
  async client(id: bigint | number, options?: AdminCallOptions): Promise<AdminClient> {
    const args = { srv: this.#self, id: BigInt(id), flags: 0 };
    return new AdminClient(this.#call, (await this.#call.serverLookupClient(args, patient(options))).clnt);
  }

  /** Has it read its TLS certificates again. */
  async updateTlsFiles(options?: AdminCallOptions): Promise<void> {
    await this.#call.serverUpdateTlsFiles({ srv: this.#self, flags: 0 }, patient(options));
  }

  get #self(): { readonly name: string } {
    return { name: this.name };
  }
}

/** Who is connected to a part of a daemon. */
export class AdminClient {
  readonly id: bigint;
  /** In ms since 1970; whole seconds. */
  readonly connectedMs: number;
  readonly transport: (typeof transports)[number] | "unknown";
  readonly #call: AdminCalls;
  readonly #self: WireClient;

  constructor(call: AdminCalls, self: WireClient) {
    this.#call = call;
    this.#self = self;
    this.id = self.id;
    this.connectedMs = Number(self.timestamp) * 1000;
    this.transport = transports[self.transport] ?? "unknown";
  }

  /** Who that is, by libvirt's names: `readonly`, `unix_user_name`, `unix_process_id`, `sock_addr`, `tls_x509_dname`, ... */
  async info(options?: AdminCallOptions): Promise<ParamValues> {
    const { params } = await this.#call.clientGetInfo({ clnt: this.#self, flags: 0 }, patient(options));
    return fromParams(params);
  }

  /** Ends its connection. */
  async close(options?: AdminCallOptions): Promise<void> {
    await this.#call.clientClose({ clnt: this.#self, flags: 0 }, patient(options));
  }
}

const patienceMs = 30_000;

function patient(options: AdminCallOptions = {}): WireOptions {
  return { timeoutMs: patienceMs, ...options };
}

async function endOf(connector: Connector): Promise<void> {
  await connector.close?.();
  await connector.loop.close();
}
