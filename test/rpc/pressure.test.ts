import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeadlineError } from "../../src/event/index.ts";
import { keepalive, MessageType, remote } from "../../src/protocol/index.ts";
import { Connection, type ConnectionOptions, pairInMemory } from "../../src/rpc/index.ts";
import { text } from "../../src/xdr/index.ts";
import { message, nothing, RawEnd, World } from "./world.ts";

const rows = remote.procedures;
const mark = 131_072;
const patienceMs = 30_000;
const length = 10_000;
const vol = { pool: "p", name: "v", key: "/v" };
const args = { vol, offset: 0n, length: 0n, flags: 0 };

/** A server that answers every call on the spot, with so many characters. */
function serve(world: World, options: ConnectionOptions = { patienceMs }, characters = length) {
  const [near, far] = pairInMemory(world.loop);
  const answer = "x".repeat(characters);
  const served: number[] = [];
  const closed: (Error | undefined)[] = [];
  const server = new Connection(world.loop, near, options);
  server.open({
    onCall: (call) => {
      served.push(call.header.serial);
      call.reply(text(length), answer);
    },
    onClose: (cause) => closed.push(cause),
  });
  const client = new RawEnd(far);
  const ask = (count: number): void => {
    for (let serial = 0; serial < count; serial++) client.send({ procedure: 3, serial }, nothing, {});
  };
  return { server, served, closed, client, ask };
}

/** Reads for one turn: 64 KiB or a little more. */
function readABit(world: World, client: RawEnd): void {
  client.transport.resume();
  world.loop.runTurn();
  client.transport.pause();
  world.run();
}

describe("calls of a peer that does not read", () => {
  it("wait from 128 KiB unread on, and are all answered in order when it reads", () => {
    const world = new World();
    const { server, served, client, ask } = serve(world);
    client.transport.pause();
    ask(1_000);
    world.run();
    const bytes = served.length * (length + 32);
    assert.ok(bytes > mark && bytes < mark + 2 * length, `${served.length} calls were taken`);
    assert.ok(client.transport.backlog > 0, "the rest stays unread");
    client.transport.resume();
    world.run();
    assert.deepEqual(
      client.take().map(({ header }) => header.serial),
      Array.from({ length: 1_000 }, (_, serial) => serial),
    );
    assert.equal(server.state, "open");
    assert.equal(world.loop.size, 0);
  });

  it("may be ten thousand, written before the first reply is read, while others are served", () => {
    const world = new World();
    const busy = serve(world, { patienceMs }, 1_000);
    const other = serve(world);
    busy.client.transport.pause();
    busy.ask(10_000);
    world.run();
    other.ask(1);
    world.pass(patienceMs - 1_000);
    assert.equal(other.client.take().length, 1);
    assert.equal(busy.server.state, "open");
    busy.client.transport.resume();
    world.run();
    assert.equal(busy.client.take().length, 10_000);
    assert.equal(world.loop.size, 0);
  });

  it("do not wait for the data of a stream that nobody reads, and it gets nobody dropped", async () => {
    const world = new World();
    const [near, far] = pairInMemory(world.loop);
    const served: number[] = [];
    const server = new Connection(world.loop, near, { patienceMs });
    server.open({
      onCall: (call) => {
        served.push(call.header.serial);
        if (call.header.procedure !== rows.storageVolDownload.number) return call.reply(nothing, {});
        const stream = call.openStream(rows.storageVolDownload, args, {});
        (async () => {
          for (;;) await stream.write(new Uint8Array(262_120));
        })().catch(() => {});
      },
      onClose: () => {},
    });
    const client = new RawEnd(far);
    client.send({ procedure: rows.storageVolDownload.number, serial: 1 }, rows.storageVolDownload.args, args);
    client.transport.pause();
    for (let rounds = 0; rounds < 100; rounds++) {
      world.run();
      await Promise.resolve();
    }
    assert.ok(near.backlog > mark / 2, "the stream has used up what it may");
    for (let serial = 2; serial < 5; serial++) client.send({ procedure: 3, serial }, nothing, {});
    world.pass(10 * patienceMs);
    assert.deepEqual(served, [1, 2, 3, 4]);
    assert.equal(server.state, "open");
    server.close();
  });
});

describe("a peer that takes nothing of what waits for it", () => {
  it("is dropped after its time, with a reason", () => {
    const world = new World();
    const { closed, client, ask } = serve(world);
    client.transport.pause();
    ask(1_000);
    world.pass(patienceMs - 1);
    assert.equal(closed.length, 0);
    world.pass(1);
    const [reason] = closed;
    assert.ok(reason instanceof DeadlineError);
    const words = /^the peer does not read: (\d+) bytes wait for it, and it has taken none for 30000 ms$/;
    const waiting = Number(words.exec(reason.message)?.[1]);
    assert.ok(waiting > mark && waiting < mark + 2 * length, reason.message);
    assert.equal(world.loop.size, 0);
  });

  it("is dropped with one long reply as well, whether it calls again or not", () => {
    const world = new World();
    const [near, far] = pairInMemory(world.loop);
    const closed: (Error | undefined)[] = [];
    new Connection(world.loop, near, { patienceMs }).open({
      onCall: (call) => call.reply(text(4_000_000), "x".repeat(4_000_000)),
      onClose: (cause) => closed.push(cause),
    });
    const client = new RawEnd(far);
    client.send({}, nothing, {});
    client.transport.pause();
    world.pass(2 * patienceMs);
    assert.ok(closed[0] instanceof DeadlineError);
  });

  it("stays when it reads now and then, however slowly, and gets everything", () => {
    const world = new World();
    const { server, client, ask } = serve(world);
    client.transport.pause();
    ask(300);
    for (let rounds = 0; client.received.length < 300; rounds++) {
      assert.ok(rounds < 100, `only ${client.received.length} replies have come`);
      world.pass(patienceMs - 1_000);
      assert.equal(server.state, "open");
      readABit(world, client);
    }
    client.transport.resume();
    world.run();
    assert.equal(world.loop.size, 0);
  });

  it("has its time anew each time that it reads", () => {
    const world = new World();
    const { server, closed, client, ask } = serve(world);
    client.transport.pause();
    ask(300);
    world.pass(patienceMs - 1_000);
    readABit(world, client);
    world.pass(patienceMs - 1_000);
    assert.equal(server.state, "open");
    world.pass(patienceMs);
    assert.ok(closed[0] instanceof DeadlineError);
  });

  it("may stay so for ever while it is little", () => {
    const world = new World();
    const { server, client, ask } = serve(world);
    client.transport.pause();
    ask(12);
    world.pass(100 * patienceMs);
    assert.equal(server.state, "open");
    client.transport.resume();
    world.run();
    assert.equal(client.take().length, 12);
    assert.equal(world.loop.size, 0);
  });

  it("may stay so for ever where nobody has said how long: a server may be busy", () => {
    const world = new World();
    const { server, client, ask } = serve(world, {});
    client.transport.pause();
    ask(1_000);
    world.pass(100 * patienceMs);
    assert.equal(server.state, "open");
  });

  it("is told now and then that we live, though its own questions stay unread, and is not taken for dead", () => {
    const world = new World();
    const { server, closed, client, ask } = serve(world);
    server.startKeepalive({ intervalMs: 1_000, count: 2 });
    client.transport.pause();
    ask(300);
    client.transport.send(message({ program: keepalive.number, procedure: 1, type: MessageType.message }, nothing, {}));
    world.pass(patienceMs - 1_000);
    assert.deepEqual(closed, []);
    client.transport.resume();
    world.run();
    const pongs = client.take().filter(({ header }) => header.program === keepalive.number && header.procedure === 2);
    assert.ok(pongs.length > 20, `${pongs.length} pongs`);
    assert.equal(server.state, "open");
    server.close();
  });
});
