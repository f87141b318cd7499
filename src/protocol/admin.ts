import { array, hyper, optional, struct, type TypeOf, uhyper, uint } from "../xdr/index.ts";
import { type Program, proc } from "./procedure.ts";
import { listLimit, string } from "./remote/base.ts";
import { typedParams } from "./remote/typed-param.ts";

export const AdminServer = struct("server", { name: string });
/** A part of the daemon that has sockets and clients of its own: "libvirtd", "admin". */
export interface AdminServer extends TypeOf<typeof AdminServer> {}

export const AdminClient = struct("client", { srv: AdminServer, id: uhyper, timestamp: hyper, transport: uint });
/** `timestamp` is when it connected, in s since 1970; `transport` 0 is Unix, 1 TCP, 2 TLS. */
export interface AdminClient extends TypeOf<typeof AdminClient> {}

const procedures = {
  /** Opens the session. There is no authentication: whoever can connect may do everything. */
  connectOpen: proc(1, { args: { flags: uint } }),
  /** Ends the session. */
  connectClose: proc(2, {}),
  /** Of the daemon: major * 1,000,000 + minor * 1,000 + release. */
  connectGetLibVersion: proc(3, { ret: { libVer: uhyper } }),
  /** `ret` counts the servers; `servers` is empty unless `needResults` is 1. */
  connectListServers: proc(4, {
    args: { needResults: uint, flags: uint },
    ret: { servers: array(AdminServer, listLimit), ret: uint },
  }),
  /** Looks up a server by its name. */
  connectLookupServer: proc(5, { args: { name: string, flags: uint }, ret: { srv: AdminServer } }),
  /** How many workers there are and may be, and how many calls wait for one. */
  serverGetThreadpoolParameters: proc(6, {
    args: { srv: AdminServer, flags: uint },
    ret: { params: typedParams(32) },
  }),
  /** Sets how many workers there may be. */
  serverSetThreadpoolParameters: proc(7, { args: { srv: AdminServer, params: typedParams(32), flags: uint } }),
  /** `ret` counts the clients; `clients` is empty unless `needResults` is 1. */
  serverListClients: proc(8, {
    args: { srv: AdminServer, needResults: uint, flags: uint },
    ret: { clients: array(AdminClient, listLimit), ret: uint },
  }),
  /** Looks up a client by its id. */
  serverLookupClient: proc(9, {
    args: { srv: AdminServer, id: uhyper, flags: uint },
    ret: { clnt: AdminClient },
  }),
  /** Who a client is: address, user, process, read-only or not. */
  clientGetInfo: proc(10, { args: { clnt: AdminClient, flags: uint }, ret: { params: typedParams(64) } }),
  /** Closes a client's connection. */
  clientClose: proc(11, { args: { clnt: AdminClient, flags: uint } }),
  /** How many clients there are and may be, authenticated or not. */
  serverGetClientLimits: proc(12, { args: { srv: AdminServer, flags: uint }, ret: { params: typedParams(32) } }),
  /** Sets how many clients there may be. */
  serverSetClientLimits: proc(13, { args: { srv: AdminServer, params: typedParams(32), flags: uint } }),
  /** Where the log goes, in the form of the configuration file. */
  connectGetLoggingOutputs: proc(14, { args: { flags: uint }, ret: { outputs: string, noutputs: uint } }),
  /** What the log has, in the form of the configuration file. */
  connectGetLoggingFilters: proc(15, { args: { flags: uint }, ret: { filters: optional(string), nfilters: uint } }),
  /** Sets where the log goes; null means the default. */
  connectSetLoggingOutputs: proc(16, { args: { outputs: optional(string), flags: uint } }),
  /** Sets what the log has; null means the default. */
  connectSetLoggingFilters: proc(17, { args: { filters: optional(string), flags: uint } }),
  /** Makes a server read its TLS certificates again. */
  serverUpdateTlsFiles: proc(18, { args: { srv: AdminServer, flags: uint } }),
  /** Ends the daemon after so many seconds without clients; 0 keeps it. */
  connectSetDaemonTimeout: proc(19, { args: { timeout: uint, flags: uint } }),
  /** Ends the daemon. */
  connectDaemonShutdown: proc(20, { args: { flags: uint } }),
} as const;

/** The daemon about itself, on a socket of its own. */
export const admin = { name: "ADMIN", number: 0x0690_0690, version: 1, procedures } as const satisfies Program;
