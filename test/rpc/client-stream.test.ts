import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StateError } from "../../src/event/index.ts";
import { ErrorCode, ErrorDomain, keepalive, MessageType, remote, Status, VirError } from "../../src/protocol/index.ts";
import type { ConnectionOptions, Stream } from "../../src/rpc/index.ts";
import { ProtocolError } from "../../src/xdr/index.ts";
import { connect } from "./ends.ts";
import { bytesOf, download, inWords, packet, sparse, terminal, textOf, upload, vol } from "./packets.ts";
import { message, nothing, World } from "./world.ts";

const whole = { vol, offset: 0n, length: 0n, flags: 0 };
const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };

/** A client with an open stream, and the server's end of raw bytes; `first` comes right behind the reply. */
async function open(
  name: "storageVolDownload" | "storageVolUpload",
  { flags = 0, first = [], options = {} }: { flags?: number; first?: Uint8Array[]; options?: ConnectionOptions } = {},
) {
  const world = new World();
  const ends = connect(world, options);
  const opening = ends.client[name]({ ...whole, flags });
  world.run();
  const [call] = ends.server.take();
  const { procedure = 0, serial = 0 } = call?.header ?? {};
  const reply = message({ procedure, serial, type: MessageType.reply }, nothing, {});
  ends.server.transport.send(Buffer.concat([reply, ...first]));
  const { stream } = await world.settle(opening);
  return { world, ...ends, stream, id: { procedure, serial } };
}

async function openConsole(world: World) {
  const ends = connect(world);
  const opening = ends.client.domainOpenConsole({ dom, devName: null, flags: 0 });
  world.run();
  const { serial = 0 } = ends.server.take()[0]?.header ?? {};
  const id = { procedure: terminal, serial };
  ends.server.transport.send(message({ ...id, type: MessageType.reply }, nothing, {}));
  return { ...ends, id, stream: (await world.settle(opening)).stream };
}

describe("a client's download", () => {
  it("reads to the end of the data, then finishes when the server confirms", async () => {
    const { world, stream, server, id } = await open("storageVolDownload");
    const reading = textOf(stream);
    for (const text of ["one ", "two ", "three"]) server.transport.send(packet.data(id, bytesOf(text)));
    server.transport.send(packet.data(id, new Uint8Array()));
    assert.equal(await world.settle(reading), "one two three");
    assert.equal(stream.state, "open");
    const finishing = stream.finish();
    world.run();
    assert.deepEqual(server.take().map(inWords), ["finish"]);
    assert.equal(stream.state, "finishing");
    server.transport.send(packet.finish(id));
    await world.settle(finishing);
    assert.equal(stream.state, "closed");
  });

  it("misses nothing that comes in the same read as the reply", async () => {
    const id = { procedure: download, serial: 0 };
    const first = [packet.data(id, bytesOf("early")), packet.data(id, new Uint8Array())];
    const { world, stream } = await open("storageVolDownload", { first });
    assert.equal(await world.settle(textOf(stream)), "early");
  });

  it("fails with the server's error, after what came before it", async () => {
    const { world, stream, server, id } = await open("storageVolDownload");
    server.transport.send(packet.data(id, bytesOf("half")));
    server.transport.send(packet.error(id, VirError.system(ErrorDomain.streams, 5, "cannot read")));
    world.run();
    const parts = stream.parts();
    assert.deepEqual(await world.settle(parts.next()), { done: false, value: bytesOf("half") });
    const error = { name: "VirError", code: ErrorCode.systemError, domain: ErrorDomain.streams, int1: 5 };
    await assert.rejects(world.settle(parts.next()), error);
    assert.deepEqual(await world.settle(parts.next()), { done: true, value: undefined });
    await assert.rejects(world.settle(stream.finish()), error);
    assert.equal(server.take().length, 0, "a failed stream is not confirmed");
  });

  it("drops what was under way when it finished early", async () => {
    const { world, stream, server, connection, id } = await open("storageVolDownload");
    server.transport.send(packet.data(id, bytesOf("unread")));
    world.run();
    const finishing = stream.finish();
    for (let count = 0; count < 10; count++) server.transport.send(packet.data(id, new Uint8Array(300_000)));
    server.transport.send(packet.data(id, new Uint8Array()));
    server.transport.send(packet.finish(id));
    await world.settle(finishing);
    assert.equal(await world.settle(textOf(stream)), "");
    assert.equal(connection.state, "open");
    assert.equal(server.transport.backlog, 0);
  });

  it("aborts with one word, and drops what still comes with the confirmation", async () => {
    const { world, stream, server, connection, id } = await open("storageVolDownload");
    const reading = textOf(stream);
    world.run();
    stream.abort();
    stream.abort();
    await assert.rejects(world.settle(reading), { code: ErrorCode.operationAborted, domain: ErrorDomain.streams });
    server.transport.send(packet.data(id, bytesOf("late")));
    server.transport.send(packet.finish(id));
    world.run();
    assert.deepEqual(server.take().map(inWords), ["abort"]);
    assert.equal(stream.state, "closed");
    assert.equal(connection.state, "open");
  });

  it("is aborted by leaving the iteration early, and by the end of its scope", async () => {
    const { world, stream, server } = await open("storageVolDownload", {
      first: [packet.data({ procedure: download, serial: 0 }, bytesOf("x"))],
    });
    const leaving = (async () => {
      for await (const _ of stream) break;
    })();
    await world.settle(leaving);
    assert.deepEqual(server.take().map(inWords), ["abort"]);
    await world.settle(stream[Symbol.asyncDispose]());
    assert.equal(server.take().length, 0);
  });

  it("ends in order when the server does so unasked", async () => {
    const { world, stream, server, id } = await open("storageVolDownload");
    server.transport.send(packet.data(id, bytesOf("all")));
    server.transport.send(packet.finish(id));
    world.run();
    assert.equal(stream.state, "closed");
    assert.equal(await world.settle(textOf(stream)), "all");
    await world.settle(stream.finish());
    assert.equal(server.take().length, 0);
  });

  it("takes holes when they were asked for", async () => {
    const { world, stream, server, id } = await open("storageVolDownload", { flags: sparse });
    server.transport.send(packet.hole(id, 2n ** 40n));
    server.transport.send(packet.data(id, bytesOf("x")));
    server.transport.send(packet.data(id, new Uint8Array()));
    const parts = (async () => {
      const all = [];
      for await (const part of stream.parts()) all.push(part);
      return all;
    })();
    assert.deepEqual(await world.settle(parts), [{ hole: 2n ** 40n }, bytesOf("x")]);
  });

  it("does not hide a hole from a reader that expects none", async () => {
    const { world, stream, server, id } = await open("storageVolDownload", { flags: sparse });
    server.transport.send(packet.hole(id, 5n));
    await assert.rejects(world.settle(textOf(stream)), StateError);
  });

  for (const [what, flags, length] of [
    ["a hole that was not asked for", 0, 5n],
    ["a hole of less than nothing", sparse, -1n],
  ] as const) {
    it(`ends the connection at ${what}`, async () => {
      const { world, closed, stream, server, id } = await open("storageVolDownload", { flags });
      server.transport.send(packet.hole(id, length));
      world.run();
      assert.ok(closed[0] instanceof ProtocolError);
      await assert.rejects(world.settle(textOf(stream)), { name: "VirError", cause: closed[0] });
    });
  }

  it("does not write", async () => {
    const { world, stream } = await open("storageVolDownload");
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), StateError);
  });

  it("has one reader at a time", async () => {
    const { world, stream, server, id } = await open("storageVolDownload");
    const parts = stream.parts();
    const first = parts.next();
    await assert.rejects(world.settle(parts.next()), StateError);
    server.transport.send(packet.data(id, bytesOf("x")));
    assert.equal((await world.settle(first)).done, false);
  });
});

describe("a client's upload", () => {
  it("sends its data in packets, then finishes when the server confirms", async () => {
    const { world, stream, server, id } = await open("storageVolUpload");
    const sending = (async () => {
      await stream.write(new Uint8Array(262_120 + 5));
      await stream.write(new Uint8Array());
      await stream.write(new Uint8Array(3));
      await stream.finish();
    })();
    for (let rounds = 0; rounds < 10; rounds++) {
      world.run();
      await Promise.resolve();
    }
    assert.deepEqual(server.take().map(inWords), ["data:262120", "data:5", "data:3", "finish"]);
    assert.equal(stream.state, "finishing");
    server.transport.send(packet.finish(id));
    await world.settle(sending);
  });

  it("finishes after all that was written, awaited or not", async () => {
    const { world, stream, server, id } = await open("storageVolUpload");
    server.transport.pause();
    const writes = Array.from({ length: 4 }, () => stream.write(new Uint8Array(262_120)));
    const finishing = stream.finish();
    server.transport.resume();
    world.run();
    assert.deepEqual(server.take().map(inWords), [...Array<string>(4).fill("data:262120"), "finish"]);
    server.transport.send(packet.finish(id));
    await world.settle(Promise.all([...writes, finishing]));
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), StateError);
  });

  it("hears an error while it waits for room", async () => {
    const { world, stream, server, id } = await open("storageVolUpload");
    const error = VirError.system(ErrorDomain.streams, 28, "cannot write to stream: No space left on device");
    server.transport.pause();
    const writes = Array.from({ length: 5 }, () => stream.write(new Uint8Array(262_120)));
    const outcomes = Promise.allSettled(writes);
    server.transport.send(packet.error(id, error));
    const settled = await world.settle(outcomes);
    const last = settled.at(-1);
    assert.ok(last?.status === "rejected" && (last.reason as VirError).int1 === 28);
    await assert.rejects(world.settle(stream.write(bytesOf("x"))), { int1: 28 });
    await assert.rejects(world.settle(stream.finish()), { int1: 28 });
  });

  it("waits while the server does not read, and keeps replies and events from queueing behind it", async () => {
    const { world, stream, server, connection } = await open("storageVolUpload");
    server.transport.pause();
    let written = 0;
    const writing = (async () => {
      for (; written < 20; written++) await stream.write(new Uint8Array(262_120));
    })();
    for (let rounds = 0; rounds < 100; rounds++) {
      world.run();
      await Promise.resolve();
    }
    assert.ok(written <= 3, `${written} packets were handed over`);
    connection.call(remote, "connectGetType", {}).catch(() => {});
    server.transport.resume();
    await world.settle(writing);
    world.run();
    const kinds = server.take().map(({ header }) => header.type);
    assert.ok(kinds.indexOf(MessageType.call) <= 4, "the call overtakes what was not handed over yet");
    assert.equal(kinds.length, 21);
  });

  it("does not pile up what nobody awaits", async () => {
    const { world, stream, server } = await open("storageVolUpload");
    server.transport.pause();
    const writes = Array.from({ length: 10 }, () => stream.write(new Uint8Array(262_120)));
    const settled = Promise.allSettled(writes);
    stream.abort();
    const reasons = (await world.settle(settled)).map((each) =>
      each.status === "rejected" ? String(each.reason) : "",
    );
    assert.match(
      reasons.at(-1) ?? "",
      /OverflowError: \d+ bytes wait to be sent already: await what was written before/,
    );
    assert.ok(reasons.some((reason) => reason.includes("the stream was aborted")));
  });

  it("sends holes when they were announced, and refuses to otherwise", async () => {
    const { world, stream, server } = await open("storageVolUpload", { flags: sparse });
    await world.settle(stream.writeHole(4_096n));
    assert.deepEqual(server.take().map(inWords), ["hole:4096"]);
    const other = await open("storageVolUpload");
    await assert.rejects(other.world.settle(other.stream.writeHole(4_096n)), StateError);
  });

  it("reads nothing: what a server sends all the same is dropped", async () => {
    const { world, stream, server, connection, id } = await open("storageVolUpload", {
      flags: sparse,
      options: { unread: { ofOne: 10, ofAll: 10 } },
    });
    for (let count = 0; count < 5; count++) {
      server.transport.send(packet.data(id, new Uint8Array(1_000)));
      server.transport.send(packet.hole(id, 1_000n));
      world.run();
    }
    assert.equal(server.transport.backlog, 0);
    assert.equal(connection.state, "open");
    assert.equal(stream.state, "open");
  });

  it("gives the wait for the confirmation up at a deadline, by aborting", async () => {
    const { world, stream, server } = await open("storageVolUpload");
    const finishing = stream.finish({ timeoutMs: 100 });
    const rejected = assert.rejects(finishing, { code: ErrorCode.operationTimeout });
    world.pass(100);
    await world.settle(rejected);
    assert.deepEqual(server.take().map(inWords), ["finish", "abort"]);
    assert.equal(world.loop.size, 0);
  });

  it("gives the wait for the confirmation up when its signal says so", async () => {
    const { world, stream, server } = await open("storageVolUpload");
    const controller = new AbortController();
    const finishing = stream.finish({ signal: controller.signal });
    controller.abort(new Error("never mind"));
    await assert.rejects(world.settle(finishing), { message: "never mind" });
    world.run();
    assert.deepEqual(server.take().map(inWords), ["finish", "abort"]);
    const other = await open("storageVolUpload");
    await assert.rejects(other.world.settle(other.stream.finish({ signal: controller.signal })), {
      message: "never mind",
    });
  });
});

describe("a client's console", () => {
  it("reads and writes, and may take its reading up again", async () => {
    const world = new World();
    const { stream, server, id } = await openConsole(world);
    await world.settle(stream.write(bytesOf("help\n")));
    assert.deepEqual(server.take().map(inWords), ["data:5"]);
    for (const text of ["one", "two"]) {
      server.transport.send(packet.data(id, bytesOf(text)));
      const reading = (async () => {
        for await (const bytes of stream) return new TextDecoder().decode(bytes);
        return "";
      })();
      assert.equal(await world.settle(reading), text);
    }
    assert.equal(stream.state, "open");
  });

  it("hears that the guest has ended, and confirms", async () => {
    const world = new World();
    const { stream, server, id } = await openConsole(world);
    server.transport.send(packet.data(id, new Uint8Array()));
    assert.equal(await world.settle(textOf(stream)), "");
    const finishing = stream.finish();
    server.transport.send(packet.finish(id));
    await world.settle(finishing);
    assert.deepEqual(server.take().map(inWords), ["finish"]);
  });
});

describe("opening a stream", () => {
  it("gives the reply with it", async () => {
    const world = new World();
    const { connection, server } = connect(world);
    const opening = connection.openStream(remote, "domainScreenshot", { dom, screen: 0, flags: 0 });
    world.run();
    const { header } = server.take()[0] ?? assert.fail();
    const { ret } = remote.procedures.domainScreenshot;
    server.transport.send(message({ ...header, type: MessageType.reply }, ret, { mime: "image/png" }));
    assert.deepEqual((await world.settle(opening)).ret, { mime: "image/png" });
  });

  it("fails as the call does, and leaves no stream", async () => {
    const world = new World();
    const { client, server } = connect(world);
    const opening = client.storageVolDownload(whole);
    world.run();
    const { header } = server.take()[0] ?? assert.fail();
    const error = VirError.of(ErrorCode.noStorageVol, ErrorDomain.storage, "no storage vol with matching key");
    const { procedure, serial } = header;
    server.transport.send(message({ procedure, serial, type: MessageType.reply, status: Status.error }, nothing, {}));
    await assert.rejects(world.settle(opening), ProtocolError);
    server.transport.send(packet.error({ procedure, serial }, error));
    world.run();
    assert.equal(server.take().length, 0);
  });

  it("that was given up aborts the stream that comes all the same", async () => {
    const world = new World();
    const { client, server, connection } = connect(world);
    const opening = client.storageVolDownload(whole, { timeoutMs: 10 });
    world.run();
    const { procedure, serial } = server.take()[0]?.header ?? assert.fail();
    const rejected = assert.rejects(opening, { code: ErrorCode.operationTimeout });
    world.pass(10);
    await world.settle(rejected);
    const reply = message({ procedure, serial, type: MessageType.reply }, nothing, {});
    server.transport.send(Buffer.concat([reply, packet.data({ procedure, serial }, bytesOf("unwanted"))]));
    world.run();
    assert.deepEqual(server.take().map(inWords), ["abort"]);
    server.transport.send(packet.finish({ procedure, serial }));
    world.run();
    assert.equal(connection.state, "open");
  });

  it("with a reply that does not fit aborts the stream", async () => {
    const world = new World();
    const { client, server } = connect(world);
    const opening = client.domainScreenshot({ dom, screen: 0, flags: 0 });
    world.run();
    const { procedure, serial } = server.take()[0]?.header ?? assert.fail();
    server.transport.send(message({ procedure, serial, type: MessageType.reply }, nothing, {}));
    await assert.rejects(world.settle(opening), ProtocolError);
    assert.deepEqual(server.take().map(inWords), ["abort"]);
  });

  it("is refused when too many are open", async () => {
    const { world, client, stream } = await open("storageVolDownload", { options: { streams: 1 } });
    await assert.rejects(world.settle(client.storageVolDownload(whole)), { code: ErrorCode.resourceBusy });
    stream.abort();
    const opening = client.storageVolDownload(whole);
    world.run();
    opening.catch(() => {});
  });

  it("aborts the stream that comes when others have taken the last place", async () => {
    const world = new World();
    const { client, server } = connect(world, { streams: 1 });
    const [first, second] = [client.storageVolDownload(whole), client.storageVolDownload(whole)];
    const rejected = assert.rejects(second, { code: ErrorCode.resourceBusy });
    world.run();
    for (const { header } of server.take()) {
      const { procedure, serial } = header;
      server.transport.send(message({ procedure, serial, type: MessageType.reply }, nothing, {}));
    }
    await world.settle(first);
    await world.settle(rejected);
    assert.deepEqual(server.take().map(inWords), ["abort"]);
  });

  it("is not the same as calling", async () => {
    const world = new World();
    const { connection } = connect(world);
    const calling = connection.call(remote, "storageVolDownload" as "connectGetType", whole as object);
    await assert.rejects(world.settle(calling), TypeError);
    const opening = connection.openStream(remote, "connectGetType" as "storageVolDownload", whole);
    await assert.rejects(world.settle(opening), TypeError);
  });
});

describe("a client's streams", () => {
  it("all fail when the connection ends, with the cause", async () => {
    const { world, stream, connection, server } = await open("storageVolUpload");
    server.transport.pause();
    const waiting = [
      ...Array.from({ length: 5 }, () => stream.write(new Uint8Array(262_120))),
      textOf(stream),
      stream.finish(),
    ];
    const settled = Promise.allSettled<unknown>(waiting);
    const cause = new Error("cable cut");
    connection.close(cause);
    const failed = (await world.settle(settled)).filter((each) => each.status === "rejected");
    assert.ok(failed.length >= 3);
    for (const { reason } of failed) assert.equal((reason as Error).cause, cause);
    assert.equal(stream.state, "closed");
    assert.equal(world.loop.size, 0);
  });

  it("are aborted when the connection is told to end", async () => {
    const { world, stream, connection, server, closed } = await open("storageVolDownload");
    const reading = textOf(stream);
    connection.end();
    await assert.rejects(world.settle(reading), { code: ErrorCode.operationAborted });
    assert.deepEqual(server.take().map(inWords), ["abort"]);
    assert.deepEqual(closed, [undefined]);
  });

  it("stop the reading when their reader stays away, until it has caught up", async () => {
    const { world, stream, server, id, client } = await open("storageVolDownload", {
      options: { unread: { ofOne: 10_000, ofAll: 100_000 } },
    });
    for (let count = 0; count < 100; count++) server.transport.send(packet.data(id, new Uint8Array(1_000)));
    world.run();
    const left = server.transport.backlog;
    assert.ok(left > 0, "the rest stays unread");
    assert.ok(left < 100 * 1_028);
    const type = client.connectGetType({});
    world.run();
    const { header } = server.take()[0] ?? assert.fail();
    server.send({ ...header, type: MessageType.reply }, remote.procedures.connectGetType.ret, { type: "QEMU" });
    world.run();
    assert.ok(server.transport.backlog > left, "a reply waits behind the data");
    const parts = stream.parts();
    const waiting = server.transport.backlog;
    await world.settle(parts.next());
    assert.equal(server.transport.backlog, waiting, "one part less is no reason to begin again");
    for (let count = 1; count < 100; count++) await world.settle(parts.next());
    assert.deepEqual(await world.settle(type), { type: "QEMU" });
    assert.equal(server.transport.backlog, 0);
  });

  it("stop the reading together, when all have too much", async () => {
    const { world, server, client, id } = await open("storageVolDownload", {
      options: { unread: { ofOne: 10_000, ofAll: 12_000 } },
    });
    const opening = client.storageVolDownload(whole);
    world.run();
    const { procedure, serial } = server.take()[0]?.header ?? assert.fail();
    server.transport.send(message({ procedure, serial, type: MessageType.reply }, nothing, {}));
    const { stream: second } = await world.settle(opening);
    server.transport.send(packet.data(id, new Uint8Array(5_000)));
    server.transport.send(packet.data({ procedure, serial }, new Uint8Array(8_000)));
    world.run();
    server.transport.send(packet.data(id, new Uint8Array(1)));
    world.run();
    assert.ok(server.transport.backlog > 0);
    second.abort();
    world.run();
    assert.equal(server.transport.backlog, 0);
  });

  it("keep no reading stopped when they have ended unread", async () => {
    for (const end of ["finish", "error", "abort"] as const) {
      const { world, stream, server, id } = await open("storageVolDownload", {
        options: { unread: { ofOne: 1_000, ofAll: 1_000 } },
      });
      server.transport.send(packet.data(id, new Uint8Array(5_000)));
      world.run();
      server.transport.send(packet.data(id, new Uint8Array(5_000)));
      world.run();
      assert.ok(server.transport.backlog > 0);
      if (end === "finish") stream.finish().catch(() => {});
      else stream.abort(new Error(end));
      world.run();
      assert.equal(server.transport.backlog, 0, end);
    }
  });

  it("keep the connection alive while nobody reads", async () => {
    const { world, connection, server, id } = await open("storageVolDownload", {
      options: { unread: { ofOne: 1_000, ofAll: 1_000 } },
    });
    connection.startKeepalive({ intervalMs: 5_000, count: 2 });
    for (let count = 0; count < 3; count++) server.transport.send(packet.data(id, new Uint8Array(5_000)));
    world.pass(60_000);
    assert.equal(connection.state, "open");
    const pongs = server.take();
    assert.ok(pongs.length >= 11 && pongs.every(({ header }) => header.program === keepalive.number));
  });

  it("send their data in turn", async () => {
    const world = new World();
    const { client, server } = connect(world);
    const streams: Stream[] = [];
    for (let count = 0; count < 3; count++) {
      const opening = client.storageVolUpload(whole);
      world.run();
      const { serial } = server.take()[0]?.header ?? assert.fail();
      server.transport.send(message({ procedure: upload, serial, type: MessageType.reply }, nothing, {}));
      streams.push((await world.settle(opening)).stream);
    }
    server.transport.pause();
    const writes = streams.map((stream) => stream.write(new Uint8Array(4 * 262_120)));
    server.transport.resume();
    await world.settle(Promise.all(writes));
    world.run();
    const serials = server.take().map(({ header }) => header.serial);
    const positions = (serial: number): number[] => serials.flatMap((each, at) => (each === serial ? [at] : []));
    const [, second = [], third = []] = [...new Set(serials)].map(positions);
    assert.deepEqual([second.length, third.length], [4, 4]);
    for (const [round, at] of second.entries()) assert.ok(Math.abs(at - (third[round] ?? 0)) <= 2, serials.join());
  });
});
