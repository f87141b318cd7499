import { Connection } from "../client/connection.ts";
import type { ConnectionOptions } from "../client/connection-options.ts";
import { limited } from "../client/patience.ts";
import { Loop, TimerHost, type Transport } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { pageTimers } from "./page-timers.ts";
import { WebSocketTransport } from "./web-socket-transport.ts";

/** What the daemon is asked for, and gives. */
const protocol = "virtwright";

export interface WebSocketOpenOptions extends ConnectionOptions {
  /**
   * The daemon's. A function is asked each time the connection is opened: a daemon that was started anew has another one.
   */
  readonly token: string | (() => string | Promise<string>);
  /** What the daemon is asked to open: "qemu:///system". Default: what it likes. */
  readonly name?: string;
}

/**
 * Opens a connection to a daemon's door for browsers, from a page, or from any program that has a WebSocket:
 *
 *     await using connection = await openWebSocket("wss://vm.example.org/", { token, name: "qemu:///system" });
 *
 * Rejects with VirError: invalidArg for an address or a token that cannot be one, systemError when nobody is there or the
 * daemon does not let us in, of which a browser tells no difference, and with what the daemon says. Nothing is left then.
 */
export function openWebSocket(url: string | URL, options: WebSocketOpenOptions): Promise<Connection> {
  const { token, name = null, ...others } = options;
  const loop = new Loop(new TimerHost(pageTimers()), { onError: raise });
  const connect = async (signal: AbortSignal): Promise<Transport> => {
    const drawn = typeof token === "function" ? await limited(loop, "the token", { signal }, ask(token)) : token;
    signal.throwIfAborted();
    return reach(loop, url, drawn, signal);
  };
  const isPrivate = URL.parse(url)?.protocol === "wss:";
  return Connection.open({ loop, name, isPrivate, connect }, others);
}

async function ask(token: () => string | Promise<string>): Promise<string> {
  return token();
}

function reach(loop: Loop, url: string | URL, token: string, signal: AbortSignal): Promise<Transport> {
  const socket = dial(url, token);
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown): void => {
      over.abort();
      socket.close();
      reject(reason);
    };
    const over = new AbortController();
    const until = { signal: over.signal };
    socket.addEventListener(
      "open",
      () => {
        over.abort();
        resolve(new WebSocketTransport(loop, socket));
      },
      until,
    );
    socket.addEventListener("close", () => fail(notLetIn(url)), until);
    signal.addEventListener("abort", () => fail(signal.reason), until);
  });
}

function dial(url: string | URL, token: string): WebSocket {
  try {
    return new WebSocket(url, [protocol, `token.${token}`]);
  } catch (error) {
    const detail = `no WebSocket can be opened at ${url}: ${error instanceof Error ? error.message : String(error)}`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.rpc, detail, error);
  }
}

/** A browser keeps to itself what was answered. */
function notLetIn(url: string | URL): VirError {
  const detail = `${url} does not let us in: is it there, is this page on its websocket_origins, and is the token that of its present run?`;
  return VirError.of(ErrorCode.systemError, ErrorDomain.rpc, detail);
}

/** What a callback of ours throws is a fault of ours: nobody else can hear it. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
