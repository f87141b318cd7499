import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import { DeadlineError, Deferred, type Loop } from "../event/index.ts";
import { DuplexTransport } from "./duplex-transport.ts";
import { handOver, type PortListenerEvents } from "./port-listener.ts";
import { addressOf, dismiss, WaitingRoom } from "./waiting-room.ts";
import { WebSocketStream } from "./websocket-stream.ts";

export interface WebSocketOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Pages that may connect: "https://vm.example.org". Programs that are no browsers name none. */
  readonly origins: readonly string[];
  /** What a client has to know. */
  readonly token: string;
}

/** What a client asks for, and gets: the wire of libvirt, as bytes. */
const protocol = "virtwright";
/** Among the protocols that it asks for: a browser can send nothing else. */
const tokenPrefix = "token.";
const handshakeMs = 5_000;
const handshakes = 20;
/** Of what a client says of its page, for the log. */
const longestOrigin = 200;

/**
 * A port at which browsers come in by WebSocket. Who has no token, or comes from a page that is not on the list, is refused by
 * HTTP, before there is a WebSocket.
 *
 *     listening -> closed
 *
 * open, pause, resume, close: as PortListener has them.
 */
export class WebSocketListener {
  readonly #loop: Loop;
  readonly #options: WebSocketOptions;
  readonly #events: PortListenerEvents;
  readonly #server: Server;
  readonly #waiting: WaitingRoom;
  readonly #closed = new Deferred();
  #paused = false;

  private constructor(loop: Loop, options: WebSocketOptions, events: PortListenerEvents) {
    this.#loop = loop;
    this.#options = options;
    this.#events = events;
    const tooMany = `${handshakes} handshakes are under way: the oldest was dropped`;
    this.#waiting = new WaitingRoom(handshakes, (address) => events.onRefusal(address, new DeadlineError(tooMany)));
    const limits = { headersTimeout: handshakeMs, requestTimeout: handshakeMs, maxHeaderSize: 8_192 };
    this.#server = createServer({ ...limits, connectionsCheckingInterval: 1_000, keepAlive: true, noDelay: true });
    this.#server.on("connection", (socket: Socket) => this.#waiting.enter(socket));
    this.#server.on("request", (_, response) =>
      response.writeHead(426, { upgrade: "websocket", connection: "close" }).end(),
    );
    this.#server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket as Socket, head));
    this.#server.on("error", (error) => events.onRefusal("nobody", error));
  }

  static async open(loop: Loop, options: WebSocketOptions, events: PortListenerEvents): Promise<WebSocketListener> {
    const listener = new WebSocketListener(loop, options, events);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: options.host, port: options.port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#waiting.clear();
    this.#loop.post(() => this.#closed.resolve());
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const address = addressOf(socket);
    socket.on("error", () => {});
    this.#waiting.leave(socket);
    const refusal = this.#paused ? ([503, "all connections are in use"] as const) : this.#whyNot(request);
    if (refusal !== undefined) {
      const [status, reason] = refusal;
      dismiss(socket, `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return this.#events.onRefusal(address, new Error(reason));
    }
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${guid}`).digest("base64");
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${accept}`,
    ];
    socket.write(`${lines.join("\r\n")}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`);
    const transport = new DuplexTransport(this.#loop, new WebSocketStream(socket, head));
    handOver(this.#events, transport, { address, certificate: undefined });
  }

  /** The token's is the last word: what is wrong beside it tells nobody whether it was right. */
  #whyNot({ headers }: IncomingMessage): readonly [status: number, reason: string] | undefined {
    const { origin } = headers;
    const isWebSocket = headers.upgrade?.toLowerCase() === "websocket" && headers["sec-websocket-version"] === "13";
    if (!isWebSocket || !/^[A-Za-z\d+/]{22}==$/.test(headers["sec-websocket-key"] ?? ""))
      return [400, "no WebSocket of version 13"];
    if (origin !== undefined && !this.#options.origins.includes(origin))
      return [403, `its page, of ${JSON.stringify(origin.slice(0, longestOrigin))}, is not on websocket_origins`];
    const asked = (headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
    const token = asked.find((each) => each.startsWith(tokenPrefix))?.slice(tokenPrefix.length) ?? "";
    if (!isSame(token, this.#options.token)) return [401, token === "" ? "it has no token" : "it has a wrong token"];
    return asked.includes(protocol) ? undefined : [400, `it does not ask for the protocol ${protocol}`];
  }
}

/** Of RFC 6455. */
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Takes as long whatever is wrong, the length too. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(one, other);
}
