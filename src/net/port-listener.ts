import { constants } from "node:crypto";
import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer, type TLSSocket } from "node:tls";
import { DeadlineError, Deferred, type Loop } from "../event/index.ts";
import { DuplexTransport } from "./duplex-transport.ts";
import { addressOf, dismiss, WaitingRoom } from "./waiting-room.ts";

/** Contents of files in PEM. */
export interface TlsIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** Certificates that count no more. */
  readonly revoked?: string;
}

export interface PortListenerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** How many connections may wait to be accepted. Default 128. */
  readonly backlog?: number;
  /** Absent: nothing is hidden, and nobody is known. */
  readonly tls?: {
    readonly identity: TlsIdentity;
    /** Whether a client needs a certificate of our authority's. */
    readonly verify: boolean;
    /** Undefined when somebody of that distinguished name may come in; else why not. */
    readonly refuse: (name: string) => string | undefined;
    /** How long a handshake may take, in ms. Default 10,000. */
    readonly handshakeMs?: number;
    /** Handshakes under way at once; one more, and the oldest is dropped. Default 20. */
    readonly handshakes?: number;
  };
}

/** Who has come in. */
export interface Arrival {
  /** "192.0.2.1:50000". */
  readonly address: string;
  /** The distinguished name in the client's certificate, as RFC 4514 writes it; undefined without one. */
  readonly certificate: string | undefined;
}

export interface PortListenerEvents {
  /** The transport is idle and the callee's: to open, or to close. */
  readonly onConnection: (transport: DuplexTransport, arrival: Arrival) => void;
  /** Somebody has not come in, and why. */
  readonly onRefusal: (address: string, reason: Error) => void;
}

/**
 * A port at which clients come in, by TLS or plain.
 *
 *     listening -> closed
 *
 * open:          resolves when it listens. Rejects with the system's error.
 * pause, resume: listening. In between those who connect are turned away: Node's sockets cannot leave them in the kernel's queue.
 * renew:         listening. Handshakes from here on are made with these files; throws what they have wrong.
 * close:         listening -> closed; idempotent. Connections that are there stay.
 */
export class PortListener {
  readonly #server: Server;
  readonly #options: PortListenerOptions;
  readonly #events: PortListenerEvents;
  readonly #handshakes: WaitingRoom;
  readonly #loop: Loop;
  readonly #closed = new Deferred();
  #paused = false;

  private constructor(loop: Loop, options: PortListenerOptions, events: PortListenerEvents) {
    this.#loop = loop;
    this.#options = options;
    this.#events = events;
    const { handshakes = 20 } = options.tls ?? {};
    const tooMany = `${handshakes} handshakes are under way: the oldest was dropped`;
    this.#handshakes = new WaitingRoom(handshakes, (address) => events.onRefusal(address, new DeadlineError(tooMany)));
    this.#server = options.tls === undefined ? createPlainServer() : createSecureServer(secureOptions(options.tls));
    this.#server.on("connection", (socket) => this.#onSocket(socket));
    this.#server.on("secureConnection", (socket: TLSSocket) => this.#onSecure(socket));
    this.#server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      // Without an address it has gone: by itself, or as the oldest in the door, and that is told.
      if (socket.remoteAddress !== undefined) this.#refuse(socket, error);
    });
    // That no descriptor is free for one more: the next is tried when somebody comes.
    this.#server.on("error", (error) => events.onRefusal("nobody", error));
  }

  static async open(loop: Loop, options: PortListenerOptions, events: PortListenerEvents): Promise<PortListener> {
    const { host, port, backlog = 128 } = options;
    const listener = new PortListener(loop, options, events);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, backlog }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    return listener;
  }

  get isSecure(): boolean {
    return this.#options.tls !== undefined;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Resolves when the port is given back. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  renew(identity: TlsIdentity): void {
    const { tls } = this.#options;
    if (tls === undefined) return;
    (this.#server as ReturnType<typeof createSecureServer>).setSecureContext(secureOptions({ ...tls, identity }));
  }

  close(): void {
    if (!this.#server.listening) return;
    // Node waits for connections that were accepted; the port is given back at once.
    this.#server.close();
    this.#handshakes.clear();
    this.#loop.post(() => this.#closed.resolve());
  }

  #onSocket(socket: Socket): void {
    if (this.#paused) return void socket.destroy();
    socket.setNoDelay(true).setKeepAlive(true);
    if (this.#options.tls === undefined) return this.#hand(socket, undefined);
    this.#handshakes.enter(socket);
  }

  #onSecure(socket: TLSSocket): void {
    const { tls } = this.#options;
    this.#handshakes.leave(socket);
    const certificate = distinguishedName(socket);
    const reason = tls?.verify === true ? whyNot(socket, certificate, tls.refuse) : undefined;
    if (reason !== undefined) return this.#refuse(socket, new Error(reason));
    // What libvirt's clients wait for: the certificate is accepted.
    socket.write(Uint8Array.of(1));
    this.#hand(socket, certificate);
  }

  #hand(socket: Socket, certificate: string | undefined): void {
    const address = addressOf(socket);
    handOver(this.#events, new DuplexTransport(this.#loop, socket), { address, certificate });
  }

  #refuse(socket: TLSSocket, reason: Error): void {
    const address = addressOf(socket);
    this.#handshakes.leave(socket);
    dismiss(socket);
    this.#events.onRefusal(address, reason);
  }
}

/** A daemon that is closing takes nobody any more, and throws. */
export function handOver(events: PortListenerEvents, transport: DuplexTransport, arrival: Arrival): void {
  try {
    events.onConnection(transport, arrival);
  } catch (error) {
    transport.close();
    events.onRefusal(arrival.address, error as Error);
  }
}

function secureOptions({ identity, verify, handshakeMs = 10_000 }: NonNullable<PortListenerOptions["tls"]>) {
  return {
    ca: identity.ca,
    cert: identity.certificate,
    key: identity.key,
    ...(identity.revoked !== undefined && { crl: identity.revoked }),
    requestCert: verify,
    // Who is refused hears it by libvirt's verdict, after the handshake.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    handshakeTimeout: handshakeMs,
    // A session that is taken up again would bring yesterday's verdict on a certificate.
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

function whyNot(socket: TLSSocket, certificate: string | undefined, refuse: (name: string) => string | undefined) {
  if (certificate === undefined) return "it has no certificate";
  // Node's types and documentation call it an Error; it is the code alone.
  const error = socket.authorizationError as unknown;
  if (!socket.authorized) return `its certificate, of ${certificate}, is not accepted: ${explain(String(error))}`;
  return refuse(certificate);
}

function explain(code: string): string {
  return reasons[code] ?? code;
}

const reasons: { readonly [code: string]: string } = {
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  CERT_REVOKED: "it was revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "nobody but itself has signed it",
  SELF_SIGNED_CERT_IN_CHAIN: "another authority has signed it",
  UNABLE_TO_GET_ISSUER_CERT: "another authority has signed it",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "another authority has signed it",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "another authority has signed it",
  CERT_SIGNATURE_FAILURE: "another authority has signed it",
  INVALID_PURPOSE: "it is not for clients",
};

/** Of the subject, the most special part first. */
function distinguishedName(socket: TLSSocket): string | undefined {
  const lines = socket.getPeerX509Certificate()?.subject?.split("\n");
  return lines
    ?.filter((line) => line !== "")
    .reverse()
    .join(",");
}
