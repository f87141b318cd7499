import { request } from "node:http";

export interface Knock {
  readonly status: number;
  /** The server's proof that it has understood; undefined where there is no WebSocket. */
  readonly accept: string | undefined;
  /** What came behind the head. */
  readonly body: string;
}

/** The key of RFC 6455's example. */
const key = "dGhlIHNhbXBsZSBub25jZQ==";

/** The answer to a handshake that a WebSocket begins with, at a port of this machine. */
export function knock(port: number, headers: Readonly<Record<string, string>>, path = "/"): Promise<Knock> {
  return new Promise((resolve, reject) => {
    const all = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
      ...headers,
    };
    const asked = request({ host: "127.0.0.1", port, path, headers: all, agent: false });
    asked.on("upgrade", ({ statusCode = 0, headers: got }, socket, head) => {
      socket.destroy();
      resolve({ status: statusCode, accept: got["sec-websocket-accept"], body: head.toString() });
    });
    asked.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, accept: undefined, body }));
    });
    asked.on("error", reject).end();
  });
}
