import { existsSync } from "node:fs";
import { join } from "node:path";
import { Connection, type ConnectionOptions, type Connector } from "../client/index.ts";
import { Loop, TimerHost, type Transport } from "../event/index.ts";
// Not by their index: the daemon's ports load TLS and HTTP, which takes longer than all the rest.
import { reachProgram, reachTcp, reachTls, reachUnix } from "../net/connect.ts";
import { nodeTimers } from "../net/node-timers.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { knownCredentials } from "./auth-file.ts";
import { meantUri, ownSurroundings, type Surroundings } from "./client-config.ts";
import type { EmbedPlaces } from "./embed.ts";
import { socketsFor } from "./sockets.ts";
import { sshCommand } from "./ssh.ts";
import { type ConnectionUri, parseUri } from "./uri.ts";

export interface OpenOptions extends ConnectionOptions {
  /**
   * The driver runs in this process, without a daemon: its own for each connection. Loads native code. QEMU's and
   * Xen's guests need a directory; they run on when the connection is closed, and the next one on that directory finds them.
   */
  readonly embed?: boolean | EmbedPlaces;
}

/**
 * Opens a connection to a hypervisor.
 *
 *     await using connection = await open("qemu:///system");
 *
 * `uri` is as libvirt's: `driver[+transport]://[user@][host][:port]/[path][?params]`, or an alias of its client
 * configuration; without one it is LIBVIRT_DEFAULT_URI or this machine's QEMU. Transports: unix, tcp, tls, ssh, ext.
 *
 * Rejects with VirError: invalidArg for a URI that is none, systemError when nobody can be reached, and with what the server
 * says. Nothing is left then.
 */
export async function open(uri?: string, options: OpenOptions = {}): Promise<Connection> {
  const around = ownSurroundings();
  const meant = meantUri(uri, around);
  const parsed = parseUri(meant);
  const { embed = false } = options;
  const connector =
    embed !== false ? await embedded(parsed, embed) : connectorOf(parsed, options.readOnly === true, around);
  const auth = options.auth ?? (embed === false ? knownCredentials(parsed, around) : undefined);
  // libvirt writes both slashes, whether there is a host between them and the path or none.
  const written = { ...connector, uri: meant.replace(/^([^:]*):(?!\/\/)/, "$1://") };
  return Connection.open(written, auth === undefined ? options : { ...options, auth });
}

async function embedded(uri: ConnectionUri, embed: true | EmbedPlaces): Promise<Connector> {
  const { embeddedConnector } = await import("./embed.ts");
  return embeddedConnector(uri, embed === true ? undefined : embed);
}

function connectorOf(uri: ConnectionUri, readOnly: boolean, around: Surroundings): Connector {
  const loop = new Loop(new TimerHost(nodeTimers), { onError: raise });
  // Who does not look whom he speaks with may speak with anybody.
  const isPrivate = uri.transport === "tls" ? !uri.params.noVerify : ["unix", "ssh"].includes(uri.transport);
  return { loop, name: uri.name, isPrivate, connect: (signal) => reach(loop, uri, readOnly, around, signal) };
}

async function reach(
  loop: Loop,
  uri: ConnectionUri,
  readOnly: boolean,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Transport> {
  const { transport, params } = uri;
  const host = uri.host || "localhost";
  switch (transport) {
    case "unix":
      return reachSocket(loop, socketsFor(uri, readOnly, around), signal);
    case "tcp": {
      const place = { host, port: uri.port ?? 16_509 };
      return explained(reachTcp(loop, place, signal), signal, `unable to connect to server at '${host}:${place.port}'`);
    }
    case "tls": {
      const place = { host, port: uri.port ?? 16_514, verify: !params.noVerify, ...certificates(uri, around) };
      return explained(reachTls(loop, place, signal), signal, `unable to connect to server at '${host}:${place.port}'`);
    }
    case "ssh": {
      const { command, args } = sshCommand({ ...uri, host }, readOnly);
      return reachProgram(loop, command, args);
    }
    case "ext":
      if (params.command === undefined)
        throw new VirError("missing 'command' for ext transport", {
          code: ErrorCode.invalidArg,
          domain: ErrorDomain.rpc,
        });
      return reachProgram(loop, params.command, []);
  }
}

/** The first that answers. What is in the way of the last that is there is told, for it is the likeliest to be meant. */
export async function reachSocket(loop: Loop, paths: readonly string[], signal: AbortSignal): Promise<Transport> {
  const there = paths.filter((path) => existsSync(path));
  let failure: unknown;
  for (const path of there) {
    try {
      return await explained(reachUnix(loop, path, signal), signal, `Failed to connect socket to '${path}'`);
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  throw unreachable(`Failed to connect: no daemon is there, none of these sockets exists: ${paths.join(", ")}`);
}

async function explained(reaching: Promise<Transport>, signal: AbortSignal, place: string): Promise<Transport> {
  try {
    return await reaching;
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === "EACCES" ? "; become a member of the group that owns the socket, or root" : "";
    throw unreachable(`${place}: ${message}${advice}`, error);
  }
}

/** libvirt's places: a user's own where there are any, else the machine's. */
function certificates(uri: ConnectionUri, { home, isRoot }: Surroundings) {
  const { pkipath } = uri.params;
  const there = (path: string): string | undefined => (existsSync(path) ? path : undefined);
  if (pkipath !== undefined) {
    const [certificate, key] = [there(join(pkipath, "clientcert.pem")), there(join(pkipath, "clientkey.pem"))];
    return { ca: join(pkipath, "cacert.pem"), certificate, key };
  }
  const own = join(home, ".pki/libvirt");
  const first = (...paths: string[]): string | undefined => paths.find((path) => existsSync(path));
  const users = (name: string): string[] => (isRoot ? [] : [join(own, name)]);
  return {
    ca: first(...users("cacert.pem")) ?? "/etc/pki/CA/cacert.pem",
    certificate: first(...users("clientcert.pem"), "/etc/pki/libvirt/clientcert.pem"),
    key: first(...users("clientkey.pem"), "/etc/pki/libvirt/private/clientkey.pem"),
  };
}

function unreachable(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.systemError, ErrorDomain.rpc, detail, cause);
}

/** What a callback of ours throws is a fault of ours: nobody else can hear it. */
export function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
