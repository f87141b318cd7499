import { type Handle, type Loop, StateError, type Transport } from "../event/index.ts";
import {
  PortListener,
  type PortListenerOptions,
  type TlsIdentity,
  WebSocketListener,
  type WebSocketOptions as WebSocketPlace,
} from "../net/index.ts";
import { type ListenOptions, listenUnix } from "../os/index.ts";
import type { Principal } from "./principal.ts";
import { RefusalNotes } from "./refusal-notes.ts";
import type { AuthPolicy } from "./session.ts";

/** Who is behind a connection, and what it may do. */
export interface Origin extends Partial<Principal> {
  readonly auth?: AuthPolicy;
  /** All connections are read-only. */
  readonly readOnly?: boolean;
  /** The transport passes descriptors. */
  readonly passesFds?: boolean;
}

export interface SocketOptions extends ListenOptions, Pick<Origin, "auth" | "readOnly"> {
  readonly path: string;
}

export interface PortOptions extends PortListenerOptions, Pick<Origin, "auth" | "readOnly"> {}

export interface WebSocketOptions extends WebSocketPlace, Pick<Origin, "auth"> {}

export interface DoorsOptions {
  readonly loop: Loop;
  /** Somebody has come in; the transport is idle, and the callee's. */
  readonly accept: (transport: Transport, origin: Origin) => void;
  readonly note: (level: "info" | "warn", message: string) => void;
}

/** A place at which clients come in. */
interface Listener {
  readonly closed: Promise<void>;
  pause(): void;
  resume(): void;
  close(): void;
}

/**
 * The places at which clients come in.
 *
 *     open -> closing -> closed
 *
 * listen, listenAt, listenForBrowsers: open.
 * renew:         open. Handshakes at all ports from here on are made with these files.
 * pause, resume: open. In between those who come wait outside, or are turned away where they cannot.
 * close:         open -> closing: nobody comes in any more; idempotent.
 */
export class Doors implements Handle {
  readonly #options: DoorsOptions;
  readonly #listeners: Listener[] = [];
  readonly #ports: PortListener[] = [];
  #isFull = false;
  #closed: Promise<void> | undefined;

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  /** Somebody may come in by TLS. */
  get hasTls(): boolean {
    return this.#ports.some(({ isSecure }) => isSecure);
  }

  /** Serves a Unix socket. Throws when the path is served already or cannot be created. */
  listen({ path, auth = "none", readOnly = false, ...file }: SocketOptions): void {
    const { loop, accept } = this.#options;
    const listener = listenUnix(loop, path, { backlog: 1_000, ...file }, (transport) => {
      accept(transport, {
        auth,
        readOnly,
        door: "unix",
        identity: transport.peer,
        // Without rules as well: those that come later are about who is there already, too.
        groups: transport.peerGroups,
        passesFds: true,
      });
    });
    this.#add(listener, `${path}${readOnly ? ", read-only" : ""}`);
  }

  /** Serves a port. Rejects when it is taken. Returns its number. */
  async listenAt({ auth = "none", readOnly = false, ...options }: PortOptions): Promise<number> {
    const { loop, accept } = this.#options;
    const door = options.tls === undefined ? "tcp" : "tls";
    const listener = await PortListener.open(loop, options, {
      onConnection: (transport, arrival) => accept(transport, { auth, readOnly, door, ...arrival }),
      onRefusal: this.#refusals(),
    });
    this.#add(listener, `${door} ${options.host}:${listener.port}`);
    this.#ports.push(listener);
    return listener.port;
  }

  /** Serves browsers by WebSocket. Rejects when the port is taken. Returns its number. */
  async listenForBrowsers({ auth = "none", ...options }: WebSocketOptions): Promise<number> {
    const { loop, accept } = this.#options;
    const listener = await WebSocketListener.open(loop, options, {
      onConnection: (transport, { address }) => accept(transport, { auth, door: "websocket", address }),
      onRefusal: this.#refusals(),
    });
    this.#add(listener, `WebSocket ${options.host}:${listener.port}`);
    return listener.port;
  }

  renew(identity: TlsIdentity): void {
    for (const port of this.#ports) port.renew(identity);
  }

  pause(): void {
    this.#isFull = true;
    for (const listener of this.#listeners) listener.pause();
  }

  resume(): void {
    this.#isFull = false;
    for (const listener of this.#listeners) listener.resume();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await Promise.all(this.#listeners.map((listener) => listener.closed));
  }

  /** One that was being opened while the doors were closed is closed too: StateError. */
  #add(listener: Listener, where: string): void {
    if (this.#closed !== undefined) {
      listener.close();
      throw new StateError(`nobody comes in at ${where}: the doors are closed`);
    }
    this.#listeners.push(listener);
    if (this.#isFull) listener.pause();
    this.#options.note("info", `listening on ${where}`);
  }

  /** Of one door. */
  #refusals(): (address: string, reason: Error) => void {
    const { loop, note } = this.#options;
    const notes = new RefusalNotes(
      () => loop.now(),
      (message) => note("warn", message),
    );
    return (address, { message }) => notes.add(`${address} was not let in: ${message}`);
  }
}
