import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OverflowError, StateError } from "../../src/event/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  eventSerial,
  keepalive,
  MessageType,
  remote,
  Status,
  VirError,
  WireError,
} from "../../src/protocol/index.ts";
import { Connection, decodeEvent, type Frame, type IncomingCall, pairInMemory } from "../../src/rpc/index.ts";
import { decode, ProtocolError, text, uint } from "../../src/xdr/index.ts";
import { connect, serve } from "./ends.ts";
import { message, nothing, RawEnd, World } from "./world.ts";

const rows = remote.procedures;
const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };

const ping = { program: keepalive.number, procedure: 1, type: MessageType.message };
const pong = { ...ping, procedure: 2 };
const isPing = ({ header }: Frame): boolean => header.program === keepalive.number && header.procedure === 1;
const isPong = ({ header }: Frame): boolean => header.program === keepalive.number && header.procedure === 2;

describe("the client's end", () => {
  it("matches replies with calls by serial, in whatever order they come", async () => {
    const world = new World();
    const { client, server } = connect(world);
    const type = client.connectGetType({});
    const hostname = client.connectGetHostname({});
    world.run();
    const [first, second] = server.take();
    assert.deepEqual([first?.header.serial, second?.header.serial], [0, 1]);
    server.send({ ...second?.header, type: MessageType.reply }, rows.connectGetHostname.ret, { hostname: "vm" });
    server.send({ ...first?.header, type: MessageType.reply }, rows.connectGetType.ret, { type: "QEMU" });
    assert.deepEqual(await world.settle(hostname), { hostname: "vm" });
    assert.deepEqual(await world.settle(type), { type: "QEMU" });
  });

  it("rejects with the peer's error", async () => {
    const world = new World();
    const { client, server } = connect(world);
    const looking = client.domainLookupByName({ name: "x" });
    world.run();
    const [call] = server.take();
    const error = VirError.of(ErrorCode.noDomain, ErrorDomain.test, "no domain with matching name 'x'");
    server.send({ ...call?.header, type: MessageType.reply, status: Status.error }, WireError, error.toWire());
    await assert.rejects(world.settle(looking), { name: "VirError", code: 42, domain: 12, message: error.message });
  });

  it("rejects a call whose arguments or reply do not fit, and lives on", async () => {
    const world = new World();
    const { client, server, connection } = connect(world);
    await assert.rejects(world.settle(client.domainLookupById({ id: 2 ** 40 })), ProtocolError);
    assert.equal(server.take().length, 0);
    const type = client.connectGetType({});
    world.run();
    server.send({ ...server.take()[0]?.header, type: MessageType.reply }, uint, 100);
    await assert.rejects(world.settle(type), ProtocolError);
    assert.equal(connection.state, "open");
  });

  it("gives a call up at its deadline, and drops its late reply", async () => {
    const world = new World();
    const { client, server, connection } = connect(world);
    const type = client.connectGetType({}, { timeoutMs: 100 });
    world.pass(99);
    world.host.advance(1);
    await assert.rejects(world.settle(type), {
      code: ErrorCode.operationTimeout,
      message: "Timed out during operation: no reply to connectGetType within 100 ms",
    });
    server.send({ ...server.take()[0]?.header, type: MessageType.reply }, rows.connectGetType.ret, { type: "QEMU" });
    world.run();
    assert.equal(connection.state, "open");
    assert.equal(world.loop.size, 0);
  });

  it("waits without a limit for Infinity, and sends nothing with a limit that is none", async () => {
    const world = new World();
    const { client, server, connection } = connect(world);
    for (const timeoutMs of [Number.NaN, -1, -Infinity])
      await assert.rejects(world.settle(client.connectGetType({}, { timeoutMs })), RangeError);
    world.run();
    assert.equal(server.take().length, 0);
    const type = client.connectGetType({}, { timeoutMs: Infinity });
    world.pass(1_000_000);
    server.send({ ...server.take()[0]?.header, type: MessageType.reply }, rows.connectGetType.ret, { type: "QEMU" });
    assert.deepEqual(await world.settle(type), { type: "QEMU" });
    assert.equal(connection.state, "open");
  });

  it("sends no call whose wait the loop does not take any more", async () => {
    const world = new World();
    const { client, server, connection } = connect(world);
    world.loop.post(() => {
      void world.loop.close(1_000).catch(() => undefined);
      client.connectGetType({}, { timeoutMs: 100 }).catch(() => undefined);
    });
    world.run();
    assert.equal(server.take().length, 0);
    assert.equal(connection.state, "open");
  });

  it("gives a call up when its signal says so, before sending it if that was earlier", async () => {
    const world = new World();
    const { client, server } = connect(world);
    const controller = new AbortController();
    const type = client.connectGetType({}, { signal: controller.signal });
    world.run();
    controller.abort(new Error("never mind"));
    await assert.rejects(world.settle(type), { message: "never mind" });
    assert.equal(server.take().length, 1);
    await assert.rejects(world.settle(client.connectGetType({}, { signal: controller.signal })), {
      message: "never mind",
    });
    world.run();
    assert.equal(server.take().length, 0);
  });

  it("leaves nothing behind at a signal that outlives it", async () => {
    const world = new World();
    const { client, server } = connect(world);
    let listeners = 0;
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    };
    const type = client.connectGetType({}, { signal });
    world.run();
    assert.equal(listeners, 1);
    server.send({ ...server.take()[0]?.header, type: MessageType.reply }, rows.connectGetType.ret, { type: "QEMU" });
    await world.settle(type);
    assert.equal(listeners, 0);
  });

  it("rejects the call that was one too many for a peer that does not read, and all before it", async () => {
    const world = new World();
    const { client, server, closed } = connect(world, { backlog: 1_000 });
    server.transport.pause();
    const calls = Array.from({ length: 60 }, () => client.connectGetType({}));
    const settled = await world.settle(Promise.allSettled(calls));
    assert.ok(settled.every(({ status }) => status === "rejected"));
    assert.ok(closed[0] instanceof OverflowError);
  });

  it("rejects all calls that wait when the connection ends, with the cause", async () => {
    const world = new World();
    const { client, connection, closed } = connect(world);
    const calls = [client.connectGetType({}), client.connectGetHostname({}, { timeoutMs: 1_000 })];
    const cause = new Error("cable cut");
    connection.close(cause);
    for (const call of calls) await assert.rejects(world.settle<unknown>(call), { name: "VirError", cause });
    assert.deepEqual(closed, [cause]);
    await assert.rejects(world.settle(client.connectGetType({})), StateError);
    assert.equal(world.loop.size, 0);
  });

  it("drops a peer that answers what was not asked", () => {
    for (const header of [{ serial: 5 }, { procedure: 4 }, { program: 1 }]) {
      const world = new World();
      const { client, server, closed } = connect(world);
      client.connectGetType({}).catch(() => {});
      world.run();
      server.send({ ...server.take()[0]?.header, type: MessageType.reply, ...header }, nothing, {});
      world.run();
      assert.ok(closed[0] instanceof ProtocolError, JSON.stringify(header));
    }
  });

  it("hears events, and reads those it knows", () => {
    const world = new World();
    const { events, server } = connect(world);
    const event = { dom, event: 2, detail: 0 };
    const header = { procedure: 107, type: MessageType.message, serial: eventSerial };
    server.send(header, rows.domainEventLifecycle.message, event);
    server.send({ ...header, procedure: 9_999 }, nothing, {});
    server.send({ ...header, program: 9 }, nothing, {});
    world.run();
    assert.deepEqual(
      events.map((frame) => decodeEvent(remote, frame)),
      [{ name: "domainEventLifecycle", message: event }, undefined, undefined],
    );
  });
});

describe("the server's end", () => {
  it("takes calls one after the other without waiting for answers, and answers in any order", () => {
    const world = new World();
    const { calls, client } = serve(world);
    for (let serial = 0; serial < 3; serial++) client.send({ procedure: 3, serial }, nothing, {});
    world.run();
    assert.equal(calls.length, 3);
    for (const index of [1, 2, 0]) calls[index]?.reply(rows.connectGetType.ret, { type: "QEMU" });
    world.run();
    const replies = client.take();
    assert.deepEqual(
      replies.map(({ header }) => header.serial),
      [1, 2, 0],
    );
    assert.ok(replies.every(({ header }) => header.type === MessageType.reply && header.status === Status.ok));
  });

  it("answers each call once", () => {
    const world = new World();
    const { calls, client } = serve(world);
    client.send({ procedure: 3 }, nothing, {});
    world.run();
    calls[0]?.reply(nothing, {});
    calls[0]?.reply(nothing, {});
    calls[0]?.fail(VirError.of(ErrorCode.internalError, ErrorDomain.rpc, "x"));
    world.run();
    assert.equal(client.take().length, 1);
  });

  it("answers with an error what it cannot encode", () => {
    const world = new World();
    const { calls, client } = serve(world);
    client.send({ procedure: 3 }, nothing, {});
    world.run();
    calls[0]?.reply(text(2), "too long");
    world.run();
    const [reply] = client.take();
    assert.equal(reply?.header.status, Status.error);
    assert.equal(decode(WireError, reply?.payload ?? new Uint8Array()).message, "Unable to encode message payload");
  });

  it("says that the peer has left in the middle of a message, and how much of it had come", () => {
    const world = new World();
    const { closed, client } = serve(world);
    client.send({}, nothing, {});
    client.transport.send(new Uint8Array([0, 0, 0, 28, 1]));
    world.run();
    client.transport.close();
    world.run();
    assert.equal(closed[0]?.message, "the peer left in the middle of a message: 5 bytes of it have come");
  });

  it("reads longer messages when it is told to, and is told what was ignored", () => {
    const world = new World();
    const [near, far] = pairInMemory(world.loop);
    const heard: string[] = [];
    const server = new Connection(world.loop, near, { messageLength: 100 });
    server.open({
      onCall: (call) => heard.push(`call of ${call.args.length}`),
      onIgnored: ({ type }) => heard.push(`ignored ${type}`),
      onClose: (cause) => heard.push(String(cause?.message)),
    });
    const client = new RawEnd(far);
    server.messageLength = 200;
    client.send({}, text(200), "x".repeat(160));
    for (const type of [MessageType.reply, MessageType.stream, MessageType.message, 99])
      client.send({ type }, nothing, {});
    client.send({}, text(300), "x".repeat(180));
    world.run();
    assert.deepEqual(heard, [
      "call of 164",
      "ignored 1",
      "ignored 2",
      "ignored 99",
      "a message length of 212, it goes from 28 to 200",
    ]);
  });

  it("ignores streams that it does not have, replies, and kinds of message that do not exist", () => {
    const world = new World();
    const { server, calls, client } = serve(world);
    for (const type of [MessageType.reply, MessageType.stream, MessageType.streamHole, 7, 99]) {
      client.send({ type, procedure: 3 }, nothing, {});
    }
    client.send({ procedure: 3 }, nothing, {});
    world.run();
    assert.equal(calls.length, 1);
    assert.equal(server.state, "open");
    assert.equal(client.take().length, 0);
  });

  it("closes without a reply when a length is out of bounds", () => {
    const world = new World();
    const { closed, client } = serve(world);
    client.transport.send(new Uint8Array([0, 0, 0, 3]));
    world.run();
    assert.ok(closed[0] instanceof ProtocolError);
    assert.deepEqual(client.received, []);
    assert.deepEqual(client.closed, { cause: undefined });
  });
});

describe("calls under way", () => {
  it("are so many at once; more wait their turn, and the peer with them", () => {
    const world = new World();
    const { calls, client } = serve(world, { callsUnderWay: 2 });
    for (let serial = 0; serial < 5; serial++) client.send({ procedure: 3, serial }, nothing, {});
    world.run();
    assert.equal(calls.length, 2);
    assert.ok(client.transport.backlog > 0, "the rest stays unread");
    for (let answered = 0; answered < 5; answered++) {
      calls[answered]?.reply(nothing, {});
      world.run();
      assert.equal(calls.length, Math.min(5, answered + 3));
    }
    assert.equal(client.take().length, 5);
    assert.equal(client.transport.backlog, 0);
  });

  it("do not nest when they are answered at once", () => {
    const world = new World();
    const [near, far] = pairInMemory(world.loop);
    let depth = 0;
    let deepest = 0;
    const server = new Connection(world.loop, near, { callsUnderWay: 1 });
    const onCall = (call: IncomingCall): void => {
      deepest = Math.max(deepest, ++depth);
      call.reply(nothing, {});
      depth--;
    };
    server.open({ onCall, onClose: () => {} });
    const client = new RawEnd(far);
    const burst = Buffer.concat(
      Array.from({ length: 100 }, (_, serial) => message({ procedure: 3, serial }, nothing, {})),
    );
    client.transport.send(burst);
    world.run();
    assert.equal(client.take().length, 100);
    assert.equal(deepest, 1);
  });

  it("of a crowded chunk leave others their turn in between", () => {
    const world = new World();
    const order: string[] = [];
    const [busy, quick] = ["busy", "quick"].map((name) => {
      const [near, far] = pairInMemory(world.loop);
      const onCall = (call: IncomingCall): void => {
        order.push(name);
        call.reply(nothing, {});
      };
      new Connection(world.loop, near).open({ onCall, onClose: () => {} });
      return new RawEnd(far);
    });
    busy?.transport.send(Buffer.concat(Array.from({ length: 1_000 }, (_, serial) => message({ serial }, nothing, {}))));
    quick?.send({}, nothing, {});
    world.run();
    assert.equal(order.length, 1_001);
    assert.ok(order.indexOf("quick") <= 16, `after ${order.indexOf("quick")} calls`);
    assert.deepEqual(
      busy?.take().map(({ header }) => header.serial),
      Array.from({ length: 1_000 }, (_, serial) => serial),
    );
  });

  it("are not taken while the peer leaves its replies unread", () => {
    const world = new World();
    const { calls, client } = serve(world);
    client.send({ serial: 0 }, nothing, {});
    world.run();
    client.transport.pause();
    calls[0]?.reply(text(2_000_000), "x".repeat(2_000_000));
    client.send({ serial: 1 }, nothing, {});
    world.run();
    assert.equal(calls.length, 1);
    client.transport.resume();
    world.run();
    assert.equal(calls.length, 2);
  });
});

describe("a peer that does not read", () => {
  it("is dropped with a reason when too much waits for it", () => {
    const world = new World();
    const { server, closed, client } = serve(world, { backlog: 10_000 });
    client.transport.pause();
    for (let count = 0; count < 200; count++) {
      server.sendEvent(remote, "domainEventLifecycle", { dom, event: 2, detail: 0 });
    }
    world.run();
    assert.ok(closed[0] instanceof OverflowError);
    assert.match(closed[0].message, /the peer does not read: \d+ bytes wait/);
  });

  it("may have one message of any length waiting beside", () => {
    const world = new World();
    const { server, calls, client } = serve(world, { backlog: 1_000 });
    client.send({}, nothing, {});
    world.run();
    client.transport.pause();
    calls[0]?.reply(text(50_000), "x".repeat(50_000));
    for (let count = 0; count < 5; count++) {
      server.sendEvent(remote, "domainEventLifecycle", { dom, event: 2, detail: 0 });
    }
    client.transport.resume();
    world.run();
    assert.equal(client.take().length, 6);
    assert.equal(server.state, "open");
  });
});

describe("keepalive", () => {
  it("is answered at once by either end, whatever else is stuck", () => {
    const world = new World();
    const { calls, client } = serve(world, { callsUnderWay: 1 });
    const burst = [
      message({ serial: 1 }, nothing, {}),
      message({ serial: 2 }, nothing, {}),
      message(ping, nothing, {}),
    ];
    client.transport.send(Buffer.concat(burst));
    world.run();
    assert.equal(calls.length, 1, "the first call is not answered, the second waits");
    assert.deepEqual(client.take().map(isPong), [true]);

    const { server } = connect(world);
    server.send(ping, nothing, {});
    world.run();
    const [answer] = server.take();
    assert.deepEqual(answer?.header, { ...pong, version: 1, serial: 0, status: Status.ok });
  });

  it("does not ask before it is started", () => {
    const world = new World();
    const { client } = serve(world);
    world.pass(60_000);
    assert.deepEqual(client.take(), []);
  });

  it("asks a silent peer every interval, and gives up one interval after the last time", () => {
    const world = new World();
    const { server, closed, client } = serve(world);
    server.startKeepalive({ intervalMs: 5_000, count: 5 });
    server.startKeepalive({ intervalMs: 1, count: 1 });
    world.pass(29_999);
    assert.deepEqual(client.take().map(isPing), [true, true, true, true, true]);
    assert.equal(closed.length, 0);
    world.pass(1);
    assert.equal(closed[0]?.message, "keepalive: the peer has been silent for 30000 ms");
    assert.equal(world.loop.size, 0);
  });

  it("counts anything that is heard as a sign of life", () => {
    const world = new World();
    const { server, calls, client } = serve(world);
    server.startKeepalive({ intervalMs: 5_000, count: 2 });
    for (let round = 0; round < 10; round++) {
      world.pass(4_000);
      client.send(round % 2 === 0 ? pong : { procedure: 3 }, nothing, {});
      world.run();
    }
    assert.equal(client.take().filter(isPing).length, 0);
    world.pass(4_999);
    assert.equal(client.take().filter(isPing).length, 0);
    world.pass(1);
    assert.equal(client.take().filter(isPing).length, 1);
    assert.equal(calls.length, 5);
    assert.equal(server.state, "open");
  });

  it("does not take a peer for dead that we do not read, and keeps its own patience up", () => {
    const world = new World();
    const { server, calls, client } = serve(world, { callsUnderWay: 1 });
    server.startKeepalive({ intervalMs: 5_000, count: 2 });
    client.send({ serial: 1 }, nothing, {});
    client.send({ serial: 2 }, nothing, {});
    client.send(ping, nothing, {});
    world.pass(60_000);
    assert.equal(server.state, "open");
    const frames = client.take();
    assert.ok(frames.length >= 11 && frames.every(isPong));
    calls[0]?.reply(nothing, {});
    world.run();
    assert.equal(calls.length, 2, "reading goes on");
  });
});

describe("closing a connection", () => {
  it("resolves when the transport is gone, also when it was never opened", async () => {
    const world = new World();
    const { connection } = connect(world);
    const [near] = pairInMemory(world.loop);
    const unopened = new Connection(world.loop, near);
    for (const each of [connection, unopened]) await world.settle(each[Symbol.asyncDispose]());
    assert.deepEqual([connection.state, unopened.state], ["closed", "closed"]);
  });
});

describe("ending a connection", () => {
  it("answers the calls under way, drops the others, and closes", () => {
    const world = new World();
    const { server, calls, closed, client } = serve(world, { callsUnderWay: 1 });
    client.send({ serial: 1 }, nothing, {});
    client.send({ serial: 2 }, nothing, {});
    world.run();
    server.end(1_000);
    client.send({ serial: 3 }, nothing, {});
    world.pass(500);
    assert.equal(server.state, "ending");
    calls[0]?.reply(nothing, {});
    world.run();
    assert.deepEqual(
      client.take().map(({ header }) => header.serial),
      [1],
    );
    assert.deepEqual(client.closed, { cause: undefined });
    assert.deepEqual(closed, [undefined]);
    assert.equal(calls.length, 1);
    assert.equal(world.loop.size, 0);
  });

  it("waits until the peer has read its replies", () => {
    const world = new World();
    const { server, calls, client } = serve(world);
    client.send({}, nothing, {});
    world.run();
    client.transport.pause();
    calls[0]?.reply(nothing, {});
    server.end(1_000);
    world.pass(900);
    assert.equal(server.state, "ending");
    client.transport.resume();
    world.run();
    assert.equal(client.take().length, 1);
    assert.equal(server.state, "closed");
  });

  it("does not wait longer than it was told", () => {
    const world = new World();
    const { server, closed, client } = serve(world);
    client.send({}, nothing, {});
    world.run();
    server.end(1_000);
    world.pass(1_000);
    assert.equal(closed[0]?.message, "calls or their replies are left after 1000 ms");
  });

  it("is over for everybody when the peer leaves in the middle of a call", () => {
    const world = new World();
    const { server, calls, closed, client } = serve(world);
    client.send({}, nothing, {});
    world.run();
    client.transport.close();
    world.run();
    assert.deepEqual(closed, [undefined]);
    calls[0]?.reply(nothing, {});
    server.sendEvent(remote, "domainEventLifecycle", { dom, event: 2, detail: 0 });
    world.run();
    assert.deepEqual(world.errors, []);
    assert.equal(world.loop.size, 0);
  });
});
