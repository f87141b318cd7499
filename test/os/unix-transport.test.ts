import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { afterEach, beforeEach, suite, test } from "node:test";
import { type Loop, StateError } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/event-loop.ts";
import * as libc from "../../src/os/libc.ts";
import { pairSockets } from "../../src/os/socket.ts";
import { SystemError } from "../../src/os/system-error.ts";
import { pairUnix, UnixTransport } from "../../src/os/unix-transport.ts";
import { openDescriptors, openEvent, silence } from "./descriptors.ts";
import { Listening } from "./listening.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

suite("UnixTransport", () => {
  let loop: Loop;
  let before: string[];
  let here: UnixTransport;
  let there: UnixTransport;

  beforeEach(() => {
    before = openDescriptors();
    loop = openLoop();
    [here, there] = pairUnix(loop);
  });

  afterEach(async () => {
    here.close();
    there.close();
    await loop.close();
    assert.deepEqual(openDescriptors(), before);
  });

  const nextTurn = (): Promise<void> => new Promise((resolve) => loop.post(resolve));

  test("carries bytes both ways, in order", async () => {
    const server = new Listening(there, ({ connection }) => connection.send(bytes("pong")));
    const client = new Listening(here);
    here.send(bytes("pi"));
    here.send(bytes("ng"));
    await client.until(() => client.received === "pong");
    assert.equal(server.received, "ping");
  });

  test("knows who is at the other end", () => {
    assert.deepEqual(here.peer, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  });

  test("knows which groups they are in, however many", {
    skip: process.getuid?.() !== 0 && "only root may be in as many groups as it likes",
  }, () => {
    const own = process.getgroups?.() ?? [];
    for (const count of [0, 1, 64, 65, 5_000]) {
      const groups = Array.from({ length: count }, (_, index) => 100_000 + index);
      process.setgroups?.(groups);
      const pair = pairUnix(loop);
      process.setgroups?.(own);
      assert.deepEqual(pair[0].peerGroups, groups);
      for (const each of pair) each.close();
    }
  });

  test("hears nothing before it is open, and misses nothing", async () => {
    const client = new Listening(here);
    client.connection.send(bytes("early"));
    await nextTurn();
    const server = new Listening(there);
    assert.equal(server.received, "");
    await server.until(() => server.received === "early");
  });

  test("passes descriptors, which arrive as others for the same file", async () => {
    const event = openEvent();
    const server = new Listening(there);
    new Listening(here).connection.send(bytes("!"), [event]);
    await server.until(() => server.fds.length === 1);
    const [fd = -1] = server.fds;
    assert.notEqual(fd, event);
    libc.write(fd, new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0]), 8);
    assert.equal(silence(event), 7);
    for (const open of [event, fd]) libc.close(open);
  });

  test("passes the most descriptors that go with one message, and refuses one more", async () => {
    const event = openEvent();
    const server = new Listening(there);
    const client = new Listening(here);
    assert.throws(
      () =>
        client.connection.send(
          bytes("!"),
          Array.from({ length: 254 }, () => event),
        ),
      RangeError,
    );
    client.connection.send(
      bytes("!"),
      Array.from({ length: 253 }, () => event),
    );
    await server.until(() => server.fds.length === 253);
    for (const open of [event, ...server.fds]) libc.close(open);
  });

  test("descriptors sent into a backlog may be closed at once and arrive with their bytes", async () => {
    const client = new Listening(here);
    client.connection.send(new Uint8Array(1_000_000));
    const event = openEvent(1);
    client.connection.send(bytes("!"), [event]);
    libc.close(event);
    const server = new Listening(there);
    await server.until(() => server.received.endsWith("!"));
    assert.equal(server.fds.length, 1);
    assert.equal(silence(server.fds[0] as number), 1);
    for (const fd of server.fds) libc.close(fd);
  });

  test("descriptors in a backlog that is never sent are closed", async () => {
    const client = new Listening(here);
    client.connection.send(new Uint8Array(1_000_000));
    const event = openEvent();
    client.connection.send(bytes("!"), [event]);
    libc.close(event);
    here.close();
    await client.until(() => client.closes.length === 1);
  });

  test("refuses descriptors without a byte to go with", () => {
    const client = new Listening(here);
    assert.throws(() => client.connection.send(new Uint8Array(), [0]), RangeError);
  });

  test("keeps what the kernel does not take, and says when it is gone", async () => {
    const client = new Listening(here);
    const data = Buffer.alloc(2_000_000, "abcdefg");
    here.send(data);
    const waiting = here.backlog;
    assert.ok(waiting > 0 && waiting < data.length);
    here.send(bytes("end"));
    assert.equal(here.backlog, waiting + 3);
    data.fill(0);
    const server = new Listening(there);
    await server.until(() => server.received.length === 2_000_003);
    assert.ok(server.received.endsWith("end"));
    assert.ok(!server.received.includes("\0"), "what waits is the connection's own copy");
    await client.until(() => client.drains === 1);
    assert.equal(here.backlog, 0);
  });

  test("a paused connection reads nothing until it is resumed", async () => {
    const client = new Listening(here);
    const server = new Listening(there);
    there.pause();
    here.send(bytes("wait"));
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    assert.equal(server.received, "");
    there.resume();
    await server.until(() => server.received === "wait");
    assert.equal(client.closes.length, 0);
  });

  test("both ends hear of the close, once and last, and without a cause", async () => {
    const client = new Listening(here);
    const server = new Listening(there);
    here.send(bytes("bye"));
    here.close();
    here.close();
    here.send(bytes("ignored"));
    await server.until(() => server.closes.length === 1);
    await nextTurn();
    assert.equal(server.received, "bye");
    assert.deepEqual([client.closes, server.closes], [[undefined], [undefined]]);
    assert.deepEqual([here.state, there.state], ["closed", "closed"]);
  });

  test("its own cause is what its listener hears; the peer hears the end of the stream", async () => {
    const client = new Listening(here);
    const server = new Listening(there);
    const cause = new Error("enough");
    here.close(cause);
    await server.until(() => server.closes.length === 1);
    assert.deepEqual([client.closes, server.closes], [[cause], [undefined]]);
  });

  test("a close inside onData is the last thing heard", async () => {
    const server = new Listening(there, ({ connection }) => connection.close());
    const client = new Listening(here);
    here.send(bytes("one"));
    await server.until(() => server.closes.length === 1);
    await client.until(() => client.closes.length === 1);
    assert.equal(server.received, "one");
  });

  /** A connection whose peer has said something and is gone. */
  function abandoned(lastWords: string): Listening {
    const [fd, peer] = pairSockets();
    libc.write(peer, bytes(lastWords), lastWords.length);
    libc.close(peer);
    return new Listening(new UnixTransport(loop, fd));
  }

  test("what the peer sent before it left is delivered although sending fails", async () => {
    const client = abandoned("last words");
    client.connection.send(bytes("too late"));
    assert.equal(client.closes.length, 0, "never inside send");
    await client.until(() => client.closes.length === 1);
    assert.equal(client.received, "last words");
    const [cause] = client.closes;
    assert.ok(cause instanceof SystemError && cause.code === "EPIPE");
  });

  test("a broken connection ends also while it is paused", async () => {
    const client = abandoned("unheard");
    client.connection.pause();
    client.connection.send(bytes("too late"));
    await client.until(() => client.closes.length === 1);
    assert.equal(client.received, "");
  });

  test("a peer that ends its side still gets what waits for it", async () => {
    const [fd, peer] = pairSockets();
    const server = new Listening(new UnixTransport(loop, fd));
    server.connection.send(Buffer.alloc(1_000_000, "x"));
    const socket = new Socket({ fd: peer, allowHalfOpen: true });
    socket.end("question");
    let received = 0;
    socket.on("data", (data) => {
      received += data.length;
    });
    await once(socket, "end");
    assert.equal(received, 1_000_000);
    await server.until(() => server.closes.length === 1);
    assert.deepEqual([server.received, server.closes], ["question", [undefined]]);
    await once(socket, "close");
  });

  test("what was paused while idle opens paused", async () => {
    here.pause();
    const client = new Listening(here);
    new Listening(there).connection.send(bytes("wait"));
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    assert.equal(client.received, "");
    here.resume();
    await client.until(() => client.received === "wait");
  });

  test("opens once", () => {
    const client = new Listening(here);
    assert.throws(() => here.open(client), StateError);
    there.close();
    assert.throws(() => there.open(client), StateError);
  });

  test("sending needs an open connection", () => {
    assert.throws(() => here.send(bytes("early")), StateError);
  });

  test("a loop that closes closes its connections", async () => {
    const client = new Listening(here);
    there.close();
    await loop.close();
    assert.deepEqual(client.closes, [undefined]);
  });

  test("received descriptors are not inherited by programs we start", async () => {
    const event = openEvent();
    const server = new Listening(there);
    new Listening(here).connection.send(bytes("!"), [event]);
    await server.until(() => server.fds.length === 1);
    const [fd = -1] = server.fds;
    const closeOnExec = 0o2000000;
    const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    assert.ok((Number.parseInt(flags ?? "", 8) & closeOnExec) !== 0);
    for (const open of [event, fd]) libc.close(open);
  });
});
