import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StateError, type Transport, type TransportListener } from "../../src/event/index.ts";
import { ErrorCode, ErrorDomain, remote, type StreamCall, VirError } from "../../src/protocol/index.ts";
import { Connection, type ConnectionOptions, type IncomingCall, type Stream } from "../../src/rpc/index.ts";
import { ProtocolError } from "../../src/xdr/index.ts";
import { serve } from "./ends.ts";
import { bytesOf, download, inWords, packet, sparse, terminal, textOf, vol } from "./packets.ts";
import { message, World } from "./world.ts";

const rows = remote.procedures;
const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };
const argsOf = {
  storageVolDownload: { vol, offset: 0n, length: 0n, flags: 0 },
  storageVolUpload: { vol, offset: 0n, length: 0n, flags: 0 },
  domainOpenConsole: { dom, devName: null, flags: 0 },
};

/** A server that has answered a call of this row with a stream, and the client's end of raw bytes. */
function open(
  name: keyof typeof argsOf,
  { flags = 0, options = {} }: { flags?: number; options?: ConnectionOptions } = {},
) {
  const world = new World();
  const ends = serve(world, options);
  const row: StreamCall = rows[name];
  const args = { ...argsOf[name], flags };
  const id = { procedure: row.number, serial: 5 };
  ends.client.send<unknown>(id, row.args, args);
  world.run();
  const stream = (ends.calls[0] ?? assert.fail()).openStream(row, args, {});
  return { world, ...ends, id, stream };
}

describe("a server's download", () => {
  it("is the reply, the data and its end; then the client finishes and is told so", async () => {
    const { world, stream, client, id } = open("storageVolDownload");
    await world.settle(stream.write(bytesOf("data")));
    const finishing = stream.finish();
    world.run();
    assert.deepEqual(client.take().map(inWords), ["reply", "data:4", "eof"]);
    client.transport.send(packet.finish(id));
    await world.settle(finishing);
    assert.deepEqual(client.take().map(inWords), ["finish"]);
    assert.equal(stream.state, "closed");
  });

  it("is confirmed at once when the client finishes early, and takes no more data", async () => {
    const { world, stream, client, id } = open("storageVolDownload");
    client.transport.pause();
    const writes = Array.from({ length: 5 }, () => stream.write(new Uint8Array(262_120)));
    const settled = Promise.allSettled(writes);
    client.transport.send(packet.finish(id));
    client.transport.resume();
    const outcomes = await world.settle(settled);
    assert.ok(outcomes.at(-1)?.status === "rejected");
    assert.equal(client.take().map(inWords).at(-1), "finish");
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), StateError);
    await world.settle(stream.finish());
    world.run();
    assert.equal(client.take().length, 0);
  });

  it("that fails tells the client why, and leaves a later finish unanswered", async () => {
    const { world, stream, client, id } = open("storageVolDownload");
    stream.abort(VirError.system(ErrorDomain.storage, 5, "cannot read"));
    stream.abort(new Error("a second reason counts for nothing"));
    client.transport.send(packet.finish(id));
    world.run();
    assert.deepEqual(client.take().map(inWords), ["reply", "error: cannot read"]);
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), { message: "cannot read" });
    await assert.rejects(world.settle(stream.finish()), { message: "cannot read" });
  });

  it("that fails for a reason of our own is an internal error to the client", () => {
    const { world, stream, client } = open("storageVolDownload");
    stream.abort(new Error("out of luck"));
    world.run();
    assert.equal(client.take().map(inWords).at(-1), "error: internal error: out of luck");
  });

  it("that the client aborts is confirmed, and rejects who writes", async () => {
    const { world, stream, client, id } = open("storageVolDownload");
    const finishing = stream.finish();
    client.transport.send(packet.abort(id));
    await assert.rejects(world.settle(finishing), { code: ErrorCode.operationAborted });
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), { code: ErrorCode.operationAborted });
    assert.deepEqual(client.take().map(inWords), ["reply", "eof", "finish"]);
  });

  it("has holes when the client has asked for them", async () => {
    const { world, stream, client } = open("storageVolDownload", { flags: sparse });
    await world.settle(stream.writeHole(9n));
    assert.deepEqual(client.take().map(inWords), ["reply", "hole:9"]);
    const other = open("storageVolDownload");
    await assert.rejects(other.world.settle(other.stream.writeHole(9n)), StateError);
  });

  it("drops data that a client sends all the same", () => {
    const { world, server, client, id } = open("storageVolDownload", { options: { unread: { ofOne: 1, ofAll: 1 } } });
    for (let count = 0; count < 5; count++) client.transport.send(packet.data(id, bytesOf("x")));
    world.run();
    assert.equal(client.transport.backlog, 0);
    assert.equal(server.state, "open");
  });
});

describe("a server's upload", () => {
  it("reads to the client's finish, and confirms when all is done", async () => {
    const { world, stream, client, id } = open("storageVolUpload");
    const reading = textOf(stream);
    for (const text of ["one ", "two"]) client.transport.send(packet.data(id, bytesOf(text)));
    client.transport.send(packet.finish(id));
    assert.equal(await world.settle(reading), "one two");
    assert.deepEqual(client.take().map(inWords), ["reply"], "what was received is not safe yet");
    await world.settle(stream.finish());
    assert.deepEqual(client.take().map(inWords), ["finish"]);
  });

  it("that fails tells the client, whatever it is doing", async () => {
    const { world, stream, client, id } = open("storageVolUpload");
    client.transport.send(packet.data(id, bytesOf("much")));
    client.transport.send(packet.finish(id));
    world.run();
    stream.abort(VirError.system(ErrorDomain.streams, 28, "cannot write to stream: No space left on device"));
    world.run();
    assert.equal(client.take().map(inWords).at(-1), "error: cannot write to stream: No space left on device");
    await assert.rejects(world.settle(textOf(stream)), { int1: 28 });
  });

  it("that the client aborts ends the reading with an error", async () => {
    const { world, stream, client, id } = open("storageVolUpload");
    const reading = textOf(stream);
    client.transport.send(packet.data(id, bytesOf("half")));
    client.transport.send(packet.abort(id));
    client.transport.send(packet.data(id, bytesOf("late")));
    await assert.rejects(world.settle(reading), { code: ErrorCode.operationAborted, domain: ErrorDomain.streams });
    assert.deepEqual(client.take().map(inWords), ["reply", "finish"]);
    assert.equal(stream.state, "closed");
  });

  it("takes holes when the client has announced them, and ends the connection otherwise", async () => {
    const { world, stream, client, id } = open("storageVolUpload", { flags: sparse });
    client.transport.send(packet.hole(id, 7n));
    world.run();
    assert.deepEqual(await world.settle(stream.parts().next()), { done: false, value: { hole: 7n } });
    const other = open("storageVolUpload");
    other.client.transport.send(packet.hole(other.id, 7n));
    other.world.run();
    assert.ok(other.closed[0] instanceof ProtocolError);
  });

  it("does not take no data for the end of it", async () => {
    const { world, stream, client, id } = open("storageVolUpload");
    const reading = textOf(stream);
    client.transport.send(packet.data(id, new Uint8Array()));
    client.transport.send(packet.data(id, bytesOf("x")));
    client.transport.send(packet.finish(id));
    assert.equal(await world.settle(reading), "x");
  });

  it("stops the reading of the connection while it is too slow, and goes on", async () => {
    const { world, stream, client, calls, id } = open("storageVolUpload", {
      options: { unread: { ofOne: 10_000, ofAll: 100_000 } },
    });
    for (let count = 0; count < 50; count++) client.transport.send(packet.data(id, new Uint8Array(1_000)));
    client.send({ procedure: rows.connectGetType.number, serial: 6 }, rows.connectGetType.args, {});
    client.transport.send(packet.finish(id));
    world.run();
    assert.ok(client.transport.backlog > 0);
    assert.equal(calls.length, 1);
    const reading = (async () => {
      let length = 0;
      for await (const bytes of stream) length += bytes.length;
      return length;
    })();
    assert.equal(await world.settle(reading), 50_000);
    assert.equal(calls.length, 2);
  });
});

describe("a server's console", () => {
  it("goes both ways until the client finishes", async () => {
    const { world, stream, client, id } = open("domainOpenConsole");
    const reading = textOf(stream);
    await world.settle(stream.write(bytesOf("login: ")));
    client.transport.send(packet.data(id, bytesOf("root\n")));
    client.transport.send(packet.finish(id));
    assert.equal(await world.settle(reading), "root\n");
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), /the client has finished the stream/);
    await world.settle(stream.finish());
    assert.deepEqual(client.take().map(inWords), ["reply", "data:7", "finish"]);
  });

  it("ends with the guest, when the client has confirmed", async () => {
    const { world, stream, client, id } = open("domainOpenConsole");
    const finishing = stream.finish();
    world.run();
    client.transport.send(packet.data(id, bytesOf("late input")));
    client.transport.send(packet.finish(id));
    await world.settle(finishing);
    assert.deepEqual(client.take().map(inWords), ["reply", "eof", "finish"]);
  });
});

describe("a server's streams", () => {
  it("are only so many, and one to a call", () => {
    const world = new World();
    const { calls, client } = serve(world, { streams: 2 });
    const row = rows.storageVolDownload;
    const args = argsOf.storageVolDownload;
    for (const serial of [1, 1, 2, 3]) client.send({ procedure: download, serial }, row.args, args);
    world.run();
    const [first, second, third, fourth] = calls;
    const openAs = (call: IncomingCall | undefined): Stream => (call ?? assert.fail()).openStream(row, args, {});
    openAs(first);
    assert.throws(() => openAs(second), { code: ErrorCode.resourceBusy });
    openAs(third);
    assert.throws(() => openAs(fourth), { code: ErrorCode.resourceBusy });
    assert.throws(() => openAs(first), StateError);
    world.run();
    assert.deepEqual(
      client.take().map(inWords),
      ["reply", "failed: resource busy: serial 1 has a stream already", "reply"].concat(
        "failed: resource busy: 2 streams are open on this connection: end one first",
      ),
    );
  });

  it("are not opened by a reply that does not fit", () => {
    const world = new World();
    const { calls, client } = serve(world);
    const row = rows.domainScreenshot;
    const args = { dom, screen: 0, flags: 0 };
    client.send({ procedure: row.number, serial: 1 }, row.args, args);
    world.run();
    assert.throws(() => calls[0]?.openStream(row, args, { mime: "\uD83D".repeat(5_000_000) }), ProtocolError);
    world.run();
    assert.deepEqual(client.take().map(inWords), ["failed: Unable to encode message payload"]);
  });

  it("are failed when the daemon ends, also those that are opened then", async () => {
    const { world, server, stream, calls, client } = open("storageVolDownload");
    const row = rows.domainOpenConsole;
    client.send({ procedure: terminal, serial: 9 }, row.args, argsOf.domainOpenConsole);
    world.run();
    server.end();
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), { code: ErrorCode.operationAborted });
    const late = (calls[1] ?? assert.fail()).openStream(row, argsOf.domainOpenConsole, {});
    assert.equal(late.state, "closed");
    world.run();
    const error = "error: operation aborted: the connection is ending, and its streams with it";
    assert.deepEqual(client.take().map(inWords), ["reply", error, "reply", error]);
    assert.equal(server.state, "closed");
  });

  it("are closed from the start when the client has left", async () => {
    const world = new World();
    const { calls, client } = serve(world);
    client.send({ procedure: download, serial: 1 }, rows.storageVolDownload.args, argsOf.storageVolDownload);
    world.run();
    client.transport.close();
    world.run();
    const stream = (calls[0] ?? assert.fail()).openStream(rows.storageVolDownload, argsOf.storageVolDownload, {});
    assert.equal(stream.state, "closed");
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), { code: ErrorCode.internalError });
    assert.equal(world.loop.size, 0);
  });

  it("fail when the client leaves", async () => {
    const { world, stream, client } = open("storageVolUpload");
    const reading = textOf(stream);
    client.transport.close();
    await assert.rejects(world.settle(reading), { code: ErrorCode.internalError, message: /the connection ended/ });
  });

  it("end the connection at a packet with a status that does not exist", () => {
    const { world, client, closed, id } = open("storageVolUpload");
    client.transport.send(message({ ...id, type: 3, status: 7 }, rows.connectGetType.args, {}));
    world.run();
    assert.ok(closed[0] instanceof ProtocolError);
  });

  it("know nothing of packets for others", () => {
    const { world, client, server, id } = open("storageVolUpload");
    client.transport.send(packet.data({ ...id, serial: 99 }, bytesOf("x")));
    client.transport.send(packet.finish({ ...id, procedure: download }));
    world.run();
    assert.equal(server.state, "open");
    assert.deepEqual(client.take().map(inWords), ["reply"]);
  });
});

/** A transport that gets rid of everything at once, like a socket whose peer is fast. */
class Sink implements Transport {
  readonly backlog = 0;
  sent = 0;
  listener: TransportListener | undefined;
  open(listener: TransportListener): void {
    this.listener = listener;
  }
  send(bytes: Uint8Array): void {
    this.sent += bytes.length;
  }
  pause(): void {}
  resume(): void {}
  close(): void {}
}

describe("data without end to a client that takes all", () => {
  it("leaves everybody else a turn in between", async () => {
    const world = new World();
    const sink = new Sink();
    const calls: IncomingCall[] = [];
    new Connection(world.loop, sink).open({ onCall: (call) => calls.push(call), onClose: () => {} });
    const { args } = rows.storageVolDownload;
    sink.listener?.onData(message({ procedure: download, serial: 1 }, args, argsOf.storageVolDownload), []);
    const stream = (calls[0] ?? assert.fail()).openStream(rows.storageVolDownload, argsOf.storageVolDownload, {});
    let written = 0;
    const writing = (async () => {
      for (; written < 100; written++) await stream.write(new Uint8Array(100_000));
    })();
    for (let ticks = 0; ticks < 10_000; ticks++) await Promise.resolve();
    assert.ok(written > 5 && written <= 12, `${written} packets in one turn`);
    await world.settle(writing);
    assert.ok(sink.sent > 10_000_000);
  });
});
