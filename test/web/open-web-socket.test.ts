import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { openWebSocket } from "../../src/web/open-web-socket.ts";

const url = "wss://vm.example.org/";

suite("a connection over a browser's WebSocket", () => {
  test("is given up while its token is awaited, or when it was before", async () => {
    const giveUp = new AbortController();
    const reason = new Error("enough");
    const { promise: token } = Promise.withResolvers<string>();
    const opening = openWebSocket(url, { token: () => token, signal: giveUp.signal });
    giveUp.abort(reason);
    await assert.rejects(opening, reason);
    await assert.rejects(openWebSocket(url, { token: () => token, signal: giveUp.signal }), reason);
  });

  test("is not opened without a token, however that fails", async () => {
    const reason = new Error("no token today");
    const throws = (): never => {
      throw reason;
    };
    await assert.rejects(openWebSocket(url, { token: throws }), reason);
    await assert.rejects(openWebSocket(url, { token: () => Promise.reject(reason) }), reason);
  });
});
