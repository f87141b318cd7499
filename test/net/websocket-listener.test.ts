import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, suite, test } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { WebSocketListener } from "../../src/net/index.ts";
import { openLoop } from "../../src/os/index.ts";

const token = "ab".repeat(32);

/** A client that speaks, and never closes. */
async function knock(port: number, protocols: string): Promise<Socket> {
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => {}).resume();
  await once(client, "connect");
  client.write(
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${protocols}\r\n\r\n`,
  );
  await once(client, "end");
  return client;
}

suite("a listener for WebSockets", { timeout: 10_000 }, () => {
  const refusals: string[] = [];
  let loop: Loop;
  let listener: WebSocketListener;

  before(async () => {
    loop = openLoop();
    const options = { host: "127.0.0.1", port: 0, origins: [], token };
    listener = await WebSocketListener.open(loop, options, {
      onConnection: () => {
        throw new Error("the daemon is closing");
      },
      onRefusal: (_, { message }) => void refusals.push(message),
    });
  });
  after(async () => {
    listener.close();
    await listener.closed;
    await loop.close();
  });

  test("keeps no descriptor for one who was refused and does not close", async () => {
    const client = await knock(listener.port, "virtwright");
    assert.equal(refusals.pop(), "it has no token");
    // Where nobody has the socket any more, what is written to it comes back as a reset.
    const knocking = setInterval(() => client.write("x"), 20);
    await new Promise((resolve) => client.on("close", resolve));
    clearInterval(knocking);
  });

  test("goes on when a connection is not taken", async () => {
    const client = await knock(listener.port, `virtwright, token.${token}`);
    assert.equal(refusals.pop(), "the daemon is closing");
    client.destroy();
  });
});
