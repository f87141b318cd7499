import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { Daemon, type LogEntry } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { DuplexTransport } from "../../src/net/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { remote } from "../../src/protocol/index.ts";
import { Connection, clientOf, decodeEvent } from "../../src/rpc/index.ts";
import { knock } from "../net/knocking.ts";

const token = "ab".repeat(32);
const page = "https://vm.example.org";

/** A browser's own WebSocket, as a stream. */
function streamOf(socket: WebSocket): Duplex {
  socket.binaryType = "arraybuffer";
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      socket.send(new Uint8Array(chunk));
      done();
    },
    final: (done) => {
      socket.close();
      done();
    },
  });
  socket.addEventListener("message", ({ data }) => stream.push(Buffer.from(data as ArrayBuffer)));
  socket.addEventListener("close", () => stream.push(null));
  return stream;
}

suite("the door for browsers", { timeout: 60_000 }, () => {
  const log: LogEntry[] = [];
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;
  let port: number;

  before(() => {
    loop = openLoop();
    driver = new TestDriver(loop);
  });
  after(async () => {
    await driver.close();
    await loop.close();
  });
  beforeEach(async () => {
    log.length = 0;
    daemon = new Daemon(loop, { drivers: [driver], log: (entry) => void log.push(entry) });
    port = await daemon.listenForBrowsers({ host: "127.0.0.1", port: 0, origins: [page], token });
  });
  afterEach(() => daemon.close(0));

  test("lets a browser's WebSocket list domains and hear events", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ["virtwright", `token.${token}`]);
    await once(socket, "open");
    assert.equal(socket.protocol, "virtwright");
    const connection = new Connection(loop, new DuplexTransport(loop, streamOf(socket)));
    const events: string[] = [];
    const heard = Promise.withResolvers<void>();
    connection.open({
      onEvent: (frame) => {
        events.push(decodeEvent(remote, frame)?.name ?? "?");
        heard.resolve();
      },
      onClose: () => {},
    });
    const call = clientOf(connection, remote);
    await call.connectOpen({ name: "test:///default", flags: 0 });
    const { domains } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
    assert.deepEqual(
      domains.map(({ name }) => name),
      ["test"],
    );
    await call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null });
    const [dom] = domains;
    assert.ok(dom !== undefined);
    await call.domainSuspend({ dom });
    await heard.promise;
    assert.deepEqual(events, ["domainEventCallbackLifecycle"]);
    await call.domainResume({ dom });
    assert.ok(log.some(({ message }) => /^connected: somebody from 127\.0\.0\.1:\d+$/.test(message)));
    connection.close();
    await once(socket, "close");
  });

  const right = { "sec-websocket-protocol": `virtwright, token.${token}` };
  for (const [what, headers, status, reason] of [
    ["a page of the list with the token", { ...right, origin: page }, 101, undefined],
    ["a program that is no browser, with the token", right, 101, undefined],
    [
      "a foreign page",
      { ...right, origin: "https://evil.example.org" },
      403,
      /page, of "https:\/\/evil\.example\.org", is not on websocket_origins/,
    ],
    ["a page of no origin", { ...right, origin: "null" }, 403, /is not on websocket_origins/],
    ["a page whose name only begins so", { ...right, origin: `${page}.evil.org` }, 403, /is not on/],
    ["who has no token", { origin: page, "sec-websocket-protocol": "virtwright" }, 401, /it has no token/],
    ["who asks for nothing", { origin: page }, 401, /it has no token/],
    [
      "a wrong token",
      { origin: page, "sec-websocket-protocol": `virtwright, token.${"ab".repeat(31)}ac` },
      401,
      /it has a wrong token/,
    ],
    ["half a token", { origin: page, "sec-websocket-protocol": "virtwright, token.ab" }, 401, /it has a wrong token/],
    [
      "another protocol",
      { origin: page, "sec-websocket-protocol": `chat, token.${token}` },
      400,
      /does not ask for the protocol/,
    ],
    ["another version", { ...right, "sec-websocket-version": "8" }, 400, /no WebSocket of version 13/],
    ["no key", { ...right, "sec-websocket-key": "x" }, 400, /no WebSocket/],
  ] as const)
    test(`${status === 101 ? "lets in" : "gives nothing to"} ${what}`, async () => {
      const answer = await knock(port, headers);
      assert.equal(answer.status, status);
      assert.equal(answer.accept, status === 101 ? "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" : undefined);
      if (reason !== undefined)
        assert.ok(
          log.some(({ message }) => reason.test(message)),
          JSON.stringify(log),
        );
      assert.equal(
        log.some(({ message }) => message.startsWith("connected")),
        status === 101,
      );
    });

  test("writes 20 refusals a minute to the log, and not all of a long origin", async () => {
    const before = log.length;
    for (let count = 0; count < 25; count++) await knock(port, { ...right, origin: "x".repeat(5_000) });
    const lines = log.slice(before).filter(({ message }) => message.includes("was not let in"));
    assert.equal(lines.length, 20);
    assert.ok(lines.every(({ message }) => message.length < 400));
  });

  test("answers a plain request that this is a WebSocket, and no more", async () => {
    const response = await fetch(`http://127.0.0.1:${port}/etc/passwd`);
    assert.deepEqual([response.status, await response.text()], [426, ""]);
  });
});
