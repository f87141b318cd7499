import {
  type AdminServer,
  type admin,
  ErrorCode,
  ErrorDomain,
  type Handlers,
  libvirtVersion,
  type TypedParam,
  VirError,
} from "../../protocol/index.ts";
import { internalError } from "../refusal.ts";
import type { AdminServerOptions } from "./admin-server.ts";
import { adminClient, type ClientReport, clientParams } from "./client-report.ts";
import type { Servant } from "./servant.ts";

/**
 * Numbers that libvirt's tools set and want to read again: one thread serves everybody, and none of them changes that.
 */
export interface Workers {
  readonly min: number;
  readonly max: number;
  readonly priority: number;
}

export interface AdminContext extends AdminServerOptions {
  /** By the server's name. */
  readonly workers: Map<string, Workers>;
  readonly admin: Servant;
  /** Ends the connection once the reply to this call has left. */
  leave(): void;
}

/** As libvirtd calls them: clients know them by these names. */
const serverNames = ["libvirtd", "admin"] as const;

export const adminHandlers: Handlers<(typeof admin)["procedures"], AdminContext> = {
  connectOpen: ({ flags }) => VirError.checkFlags(flags, 0, ErrorDomain.admin, "adminConnectOpen"),
  connectClose: (_, context) => context.leave(),
  connectGetLibVersion: () => ({ libVer: libvirtVersion }),
  connectListServers: ({ needResults }) => ({
    servers: needResults === 0 ? [] : serverNames.map((name) => ({ name })),
    ret: serverNames.length,
  }),
  connectLookupServer: ({ name }, context) => {
    servantOf({ name }, context);
    return { srv: { name } };
  },
  serverGetThreadpoolParameters: ({ srv }, context) => {
    servantOf(srv, context);
    return { params: workerParams(srv.name, context) };
  },
  serverSetThreadpoolParameters: ({ srv, params }, context) => {
    servantOf(srv, context);
    setWorkers(srv.name, params, context);
  },
  serverListClients: ({ srv, needResults }, context) => {
    const clients = servantOf(srv, context).clients();
    return { clients: needResults === 0 ? [] : clients.map((client) => adminClient(srv, client)), ret: clients.length };
  },
  serverLookupClient: ({ srv, id }, context) => ({ clnt: adminClient(srv, clientOf(srv, id, context)) }),
  clientGetInfo: ({ clnt }, context) => ({ params: clientParams(clientOf(clnt.srv, clnt.id, context)) }),
  clientClose: ({ clnt }, context) => {
    const { id } = clientOf(clnt.srv, clnt.id, context);
    servantOf(clnt.srv, context).disconnect(id);
  },
  serverGetClientLimits: ({ srv }, context) => {
    const servant = servantOf(srv, context);
    const { clients, anonymousClients } = servant.limits();
    const all = servant.clients();
    return {
      params: uints([
        ["nclients_max", clients],
        ["nclients", all.length],
        ["nclients_unauth_max", anonymousClients],
        ["nclients_unauth", all.filter(({ isAnonymous }) => isAnonymous).length],
      ]),
    };
  },
  serverSetClientLimits: ({ srv, params }, context) => {
    const servant = servantOf(srv, context);
    const before = servant.limits();
    const clients = uintOf(params, "nclients_max") ?? before.clients;
    const anonymousClients = uintOf(params, "nclients_unauth_max") ?? before.anonymousClients;
    if (clients < anonymousClients)
      throw invalid(
        "The overall maximum number of clients waiting for authentication must not be less than the overall maximum number of clients",
      );
    servant.setLimits({ clients, anonymousClients });
  },
  connectGetLoggingOutputs: (_, { log }) => ({ outputs: log.outputs, noutputs: words(log.outputs) }),
  connectGetLoggingFilters: (_, { log }) => ({
    filters: log.filters === "" ? null : log.filters,
    nfilters: words(log.filters),
  }),
  connectSetLoggingOutputs: ({ outputs }, { log }) => setLogging(() => log.setOutputs(outputs ?? "")),
  connectSetLoggingFilters: ({ filters }, { log }) => setLogging(() => log.setFilters(filters ?? "")),
  serverUpdateTlsFiles: ({ srv }, context) => {
    servantOf(srv, context);
    if (srv.name === "admin" || !context.daemon.hasTls)
      throw internalError("no tls service found, unable to update tls files");
    context.renewTls();
  },
  connectSetDaemonTimeout: ({ timeout }, context) => context.setTimeout(timeout),
  connectDaemonShutdown: (_, context) => context.shutDown(),
};

function servantOf({ name }: AdminServer, { daemon, admin: own }: AdminContext): Servant {
  if (name === "libvirtd") return daemon;
  if (name === "admin") return own;
  throw new VirError(`Server not found: No server named '${name}'`, {
    code: ErrorCode.noServer,
    domain: ErrorDomain.rpc,
    str1: "Server not found: %s",
    str2: `No server named '${name}'`,
  });
}

function clientOf(srv: AdminServer, id: bigint, context: AdminContext): ClientReport {
  const found = servantOf(srv, context)
    .clients()
    .find((client) => BigInt(client.id) === id);
  if (found !== undefined) return found;
  const detail = `No client with matching ID '${id}'`;
  const fields = { code: ErrorCode.noClient, domain: ErrorDomain.rpc, str1: "Client not found: %s", str2: detail };
  throw new VirError(`Client not found: ${detail}`, fields);
}

function workersOf(server: string, { workers }: AdminContext): Workers {
  return workers.get(server) ?? { min: 5, max: 20, priority: server === "admin" ? 0 : 5 };
}

function workerParams(server: string, context: AdminContext): TypedParam[] {
  const { min, max, priority } = workersOf(server, context);
  // The one that asks is busy with asking.
  const free = server === "admin" ? min - 1 : min;
  return uints([
    ["minWorkers", min],
    ["maxWorkers", max],
    ["nWorkers", min],
    ["freeWorkers", free],
    ["prioWorkers", priority],
    ["jobQueueDepth", 0],
  ]);
}

function setWorkers(server: string, params: readonly TypedParam[], context: AdminContext): void {
  const kept = workersOf(server, context);
  const min = uintOf(params, "minWorkers") ?? kept.min;
  const max = uintOf(params, "maxWorkers") ?? kept.max;
  if (max === 0) throw invalid("maxWorkers must be greater than 0");
  if (min > max) throw invalid("minWorkers cannot be larger than maxWorkers");
  context.workers.set(server, { min, max, priority: uintOf(params, "prioWorkers") ?? kept.priority });
}

function uints(values: readonly (readonly [string, number])[]): TypedParam[] {
  return values.map(([field, value]) => ({ field, value: { type: "uint", value } }));
}

function uintOf(params: readonly TypedParam[], name: string): number | undefined {
  const value = params.find(({ field }) => field === name)?.value;
  if (value !== undefined && value.type !== "uint") throw invalid(`${name} must be an unsigned integer`);
  return value?.value;
}

function setLogging(set: () => void): void {
  try {
    set();
  } catch (error) {
    throw error instanceof RangeError ? invalid(error.message) : internalError((error as Error).message, error);
  }
}

function words(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.admin, detail);
}
