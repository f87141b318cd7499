import { closeSync } from "node:fs";
import type { Driver, Identity } from "../driver/driver.ts";
import { Deferred, type Handle, type Loop, StateError, type Transport } from "../event/index.ts";
import { listenUnix, type SocketFileOptions, type UnixListener } from "../os/index.ts";
import type { ConnectionOptions, KeepaliveOptions } from "../rpc/index.ts";
import type { Log } from "./log.ts";
import { Peer } from "./peer.ts";
import { Repeats } from "./repeats.ts";
import type { AuthPolicy } from "./session.ts";

export interface DaemonOptions {
  /** In the order in which they are asked whether a URI is theirs. They stay the caller's to close. */
  readonly drivers: readonly Driver[];
  readonly log?: Log;
  readonly limits?: Limits;
  /** When a silent client is asked for a sign of life, and when given up. Default: every 5 s, 5 times. */
  readonly keepalive?: KeepaliveOptions;
}

/** Those of each client, and of all together. */
export interface Limits extends Omit<ConnectionOptions, "releaseFds"> {
  /** Connections at once. Default 5,000. */
  readonly clients?: number;
}

/** Who is behind a connection, and what it may do. */
export interface Origin {
  readonly auth?: AuthPolicy;
  /** All connections are read-only. */
  readonly readOnly?: boolean;
  readonly identity?: Identity;
  /** The transport passes descriptors. */
  readonly passesFds?: boolean;
}

export interface SocketOptions extends SocketFileOptions, Pick<Origin, "auth" | "readOnly"> {
  readonly path: string;
}

/**
 * Serves drivers to clients that speak libvirt's protocol.
 *
 *     open -> closing -> closed
 *
 * listen, accept: open.
 * close: open -> closing: no new connections; calls under way are answered, at the latest after `lingerMs`; then the
 *        connections close. Idempotent.
 */
export class Daemon implements Handle {
  readonly #loop: Loop;
  readonly #options: DaemonOptions;
  readonly #log: Log;
  readonly #listeners: UnixListener[] = [];
  readonly #peers = new Set<Peer>();
  readonly #repeats = new Repeats();
  readonly #closed = new Deferred();
  #state: "open" | "closing" | "closed" = "open";
  #peerCount = 0;
  #nextCallbackId = 0;

  constructor(loop: Loop, options: DaemonOptions) {
    this.#loop = loop;
    this.#options = options;
    this.#log = options.log ?? (() => {});
  }

  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** Connections at present. */
  get size(): number {
    return this.#peers.size;
  }

  /** Serves a Unix socket. Throws when the path is served already or cannot be created. */
  listen({ path, auth = "none", readOnly = false, ...file }: SocketOptions): void {
    this.#checkOpen();
    const listener = listenUnix(this.#loop, path, { backlog: 1_000, ...file }, (transport) => {
      this.accept(transport, { auth, readOnly, identity: transport.peer, passesFds: true });
    });
    this.#listeners.push(listener);
    this.#log({ level: "info", message: `listening on ${path}${readOnly ? ", read-only" : ""}` });
  }

  /** Serves a connection that is already there and idle, from whatever transport. */
  accept(transport: Transport, origin: Origin = {}): void {
    this.#checkOpen();
    const { clients = 5_000, ...connection } = this.#options.limits ?? {};
    if (this.#peers.size >= clients) {
      this.#log({ level: "warn", message: `too many clients: a connection beyond ${clients} was dropped` });
      return transport.close();
    }
    const number = ++this.#peerCount;
    const peer = new Peer(this.#loop, transport, {
      drivers: this.#options.drivers,
      auth: origin.auth ?? "none",
      readOnly: origin.readOnly ?? false,
      identity: origin.identity,
      connection: { ...connection, passesFds: origin.passesFds ?? false, releaseFds: closeAll },
      keepalive: this.#options.keepalive ?? { intervalMs: 5_000, count: 5 },
      repeats: this.#repeats,
      issueCallbackId: () => this.#nextCallbackId++,
      log: (entry) => this.#log({ ...entry, peer: number }),
      onClose: (cause) => this.#remove(peer, number, cause),
    });
    this.#peers.add(peer);
    this.#log({ level: "debug", message: `connected${describeIdentity(origin.identity)}`, peer: number });
  }

  close(lingerMs = 5_000): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      for (const listener of this.#listeners) listener.close();
      for (const peer of this.#peers) peer.end(lingerMs);
      this.#tryClose();
    }
    return this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #remove(peer: Peer, number: number, cause: Error | undefined): void {
    this.#peers.delete(peer);
    if (cause === undefined) this.#log({ level: "debug", message: "disconnected", peer: number });
    else this.#log({ level: "warn", message: `dropped: ${cause.message}`, peer: number, error: cause });
    this.#tryClose();
  }

  #tryClose(): void {
    if (this.#state !== "closing" || this.#peers.size > 0) return;
    this.#state = "closed";
    Promise.all(this.#listeners.map((listener) => listener.closed)).then(
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

function describeIdentity(identity: Identity | undefined): string {
  return identity === undefined ? "" : `: user ${identity.uid}, process ${identity.pid}`;
}
