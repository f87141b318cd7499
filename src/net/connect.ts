import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Loop } from "../event/index.ts";
import { DuplexTransport } from "./duplex-transport.ts";
import { Inlet } from "./inlet.ts";

/** Reaches a daemon's socket file. Rejects with the system's error. */
export async function reachUnix(loop: Loop, path: string, signal: AbortSignal): Promise<DuplexTransport> {
  const inlet = new Inlet();
  const socket = connect({ path, onread: inlet.reading });
  return new DuplexTransport(loop, await connected(socket, "connect", signal), { inlet });
}

/** Reaches a port. Nobody is authenticated, and nothing is hidden. */
export async function reachTcp(
  loop: Loop,
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<DuplexTransport> {
  const inlet = new Inlet();
  const socket = connect({ host, port, noDelay: true, keepAlive: true, onread: inlet.reading });
  return new DuplexTransport(loop, await connected(socket, "connect", signal), { inlet });
}

export interface TlsPlace {
  readonly host: string;
  readonly port: number;
  /** Files in PEM. Without a client's certificate the server may refuse. */
  readonly ca: string;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Whether the server's certificate counts. */
  readonly verify: boolean;
}

/** Reaches a port by TLS, and waits for libvirt's verdict on our certificate: one byte, 1 for "come in". */
export async function reachTls(loop: Loop, place: TlsPlace, signal: AbortSignal): Promise<DuplexTransport> {
  const { host, port, verify } = place;
  const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path));
  const [ca, cert, key] = await Promise.all([
    verify ? read(place.ca) : undefined,
    read(place.certificate),
    read(place.key),
  ]);
  // It takes longer to load than all the rest, and most do without.
  const { connect: connectSecurely } = await import("node:tls");
  signal.throwIfAborted();
  const socket = connectSecurely({
    host,
    port,
    rejectUnauthorized: verify,
    servername: /^[\d.]+$|:/.test(host) ? "" : host,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
  await connected(socket, "secureConnect", signal);
  await readVerdict(socket, signal);
  return new DuplexTransport(loop, socket);
}

/** How long a program that has ended may have more to say, and one that nobody speaks with may take to end, in ms. */
const graceMs = 500;

/**
 * Speaks with a program by its standard input and output. What it says on its standard error explains its end. Others that it
 * has started may keep that open: they are waited for no longer than it takes to read what it has said itself.
 */
export async function reachProgram(loop: Loop, command: string, args: readonly string[]): Promise<DuplexTransport> {
  const { spawn } = await import("node:child_process");
  const child = spawn(...withoutInterrupt(command, args), { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const reason = new Promise<Error | undefined>((resolve) => {
    child.on("error", (error) => resolve(new Error(`${command} cannot be run: ${error.message}`)));
    let silence: NodeJS.Timeout | undefined;
    child.on("exit", () => {
      silence = setTimeout(() => child.stderr.destroy(), graceMs);
    });
    child.on("close", (code, signal) => {
      clearTimeout(silence);
      if (code === 0) return resolve(undefined);
      const end = code === null ? `was ended by ${signal}` : `ended with status ${code}`;
      resolve(new Error(`${command} ${end}${said.trim() === "" ? "" : `: ${said.trim()}`}`));
    });
  });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.stdout.on("close", () => {
    // It was closed by us: nobody asks for the reason.
    if (!child.stdout.readableEnded) child.stderr.destroy();
    // It has nobody to speak with any more.
    setTimeout(() => child.kill(), graceMs).unref();
  });
  return new DuplexTransport(loop, stream, { reason });
}

/** Ctrl-C is for whoever speaks with the program, who may have to say something by it: it is of the same terminal. */
function withoutInterrupt(command: string, args: readonly string[]): [string, readonly string[]] {
  if (process.platform === "win32") return [command, args];
  return ["/bin/sh", ["-c", 'trap "" INT; exec "$0" "$@"', command, ...args]];
}

/** Rejects with the socket's error or the signal's reason; the socket is gone then. */
function connected<S extends Socket | TLSSocket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      socket.off("close", onClose);
      act();
    };
    const fail = (error: unknown): void =>
      settle(() => {
        // Nobody else listens to what it may still say.
        socket.on("error", () => {});
        socket.destroy();
        reject(error);
      });
    const onError = (error: Error): void => fail(error);
    const onClose = (): void => fail(new Error("the server closed the connection while it was being opened"));
    const onAbort = (): void => fail(signal.reason);
    socket.once(event, () => settle(() => resolve(socket)));
    socket.on("error", onError);
    socket.on("close", onClose);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

/** The byte alone: what comes behind it stays unread. */
function readVerdict(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (act: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off("readable", onReadable).off("end", refused).off("close", refused).off("error", fail);
      act();
    };
    const fail = (error: unknown): void =>
      leave(() => {
        socket.on("error", () => {});
        socket.destroy();
        reject(error);
      });
    const onAbort = (): void => fail(signal.reason);
    const refused = (): void => fail(new Error("the server has refused our certificate"));
    const onReadable = (): void => {
      const verdict = socket.read(1) as Uint8Array | null;
      if (verdict === null) return;
      if (verdict[0] === 1) leave(resolve);
      else refused();
    };
    socket.on("readable", onReadable).on("end", refused).on("close", refused).on("error", fail);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}
