import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { removeLeftover } from "../../os/index.ts";

/** Where metrics are served: a socket file, or a port of the loopback address. */
export type MetricsPlace = { readonly path: string } | { readonly host: string; readonly port: number };

/** "/run/x.sock", "127.0.0.1:9177", "[::1]:9177". Undefined for anything else: metrics are for this machine. */
export function parsePlace(text: string): MetricsPlace | undefined {
  if (text.startsWith("/")) return { path: text };
  const [, host = "", digits = ""] = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  return host === "" || port > 65_535 ? undefined : { host: host.replaceAll(/[[\]]/g, ""), port };
}

/**
 * Serves one page of text by HTTP.
 *
 *     listening -> closed
 *
 * open:  rejects with the system's error, or StateError when somebody serves the socket, or a file is there that is none.
 * close: listening -> closed; idempotent. Answers under way are cut off.
 */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #render: () => Promise<string>;
  #answering: Promise<string> | undefined;

  private constructor(render: () => Promise<string>) {
    this.#render = render;
    // Those who ask slowly, and too many of them, are sent away.
    const limits = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 15_000, maxHeaderSize: 8_192 };
    this.#server = createServer({ ...limits, connectionsCheckingInterval: 1_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = 16;
  }

  static async open(place: MetricsPlace, render: () => Promise<string>): Promise<MetricsServer> {
    const metrics = new MetricsServer(render);
    if ("path" in place) removeLeftover(place.path);
    await new Promise<void>((resolve, reject) => {
      metrics.#server.once("error", reject).listen({ ...place, backlog: 16 }, () => {
        metrics.#server.off("error", reject).on("error", () => {});
        resolve();
      });
    });
    return metrics;
  }

  /** 0 for a socket file. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer({ method, url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page in somebody's browser, of a name that leads here, is none of ours.
    if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])?(:\d+)?$/.test(headers.host ?? "")) return refuse(response, 403);
    if (method !== "GET" && method !== "HEAD") return refuse(response, 405);
    if (url !== "/metrics") return refuse(response, 404);
    try {
      // However many ask at once, hypervisors are asked once.
      this.#answering ??= this.#render().finally(() => (this.#answering = undefined));
      const text = await this.#answering;
      response
        .writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" })
        .end(method === "HEAD" ? "" : text);
    } catch {
      refuse(response, 500);
    }
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "text/plain" }).end();
}
