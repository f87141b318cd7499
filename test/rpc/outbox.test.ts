import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Transport, TransportListener } from "../../src/event/index.ts";
import { MessageType, remote } from "../../src/protocol/index.ts";
import { Connection, type ConnectionOptions, Framer, type IncomingCall } from "../../src/rpc/index.ts";
import { ProtocolError } from "../../src/xdr/index.ts";
import { message, nothing, World } from "./world.ts";

const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };
const rows = remote.procedures;

/** A transport that keeps what it is given, piece by piece; the test says when the peer has read it. */
class Pieces implements Transport {
  readonly pieces: Uint8Array[] = [];
  backlog = 0;
  /** The peer does not read. */
  slow = false;
  listener: TransportListener | undefined;
  open(listener: TransportListener): void {
    this.listener = listener;
  }
  send(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    if (this.slow) this.backlog += bytes.length;
  }
  drain(): void {
    this.slow = false;
    this.backlog = 0;
    this.listener?.onDrain?.();
  }
  pause(): void {}
  resume(): void {}
  close(): void {}

  /** How many messages there are in each piece since the last time. */
  counts(): number[] {
    return this.pieces.splice(0).map((piece) => {
      const framer = new Framer();
      framer.push(piece);
      let count = 0;
      while (framer.next() !== undefined) count++;
      assert.equal(framer.available, 0);
      return count;
    });
  }
}

function serve(options: ConnectionOptions = {}) {
  const world = new World();
  const transport = new Pieces();
  const calls: IncomingCall[] = [];
  const closed: (Error | undefined)[] = [];
  const server = new Connection(world.loop, transport, options);
  server.open({ onCall: (call) => calls.push(call), onClose: (cause) => closed.push(cause) });
  const report = (): void => server.sendEvent(remote, "domainEventLifecycle", { dom, event: 2, detail: 0 });
  return { world, transport, server, calls, report };
}

describe("messages on their way out", () => {
  it("leave at once when they are alone, and in one piece when they are many in a turn", () => {
    const { world, transport, report } = serve();
    report();
    assert.deepEqual(transport.counts(), [1]);
    for (let count = 0; count < 9; count++) report();
    assert.deepEqual(transport.counts(), []);
    world.run();
    assert.deepEqual(transport.counts(), [9]);
    report();
    assert.deepEqual(transport.counts(), [1]);
  });

  it("leave in one piece when calls of one read are answered on the spot", () => {
    const world = new World();
    const transport = new Pieces();
    const server = new Connection(world.loop, transport);
    server.open({ onCall: (call) => call.reply(rows.connectGetType.ret, { type: "Fake" }), onClose: () => {} });
    const read = Buffer.concat([1, 2, 3].map((serial) => message({ procedure: 3, serial }, nothing, {})));
    transport.listener?.onData(read, []);
    assert.deepEqual(transport.counts(), [3]);
    assert.equal(world.loop.size, 0);
  });

  it("leave in one piece when they are short lists, too", () => {
    const transport = new Pieces();
    const { ret, number } = rows.connectListAllDomains;
    const onCall = (call: IncomingCall): void => call.reply(ret, { domains: [dom], ret: 1 });
    new Connection(new World().loop, transport).open({ onCall, onClose: () => {} });
    const ask = (serial: number) => message({ procedure: number, serial }, nothing, {});
    transport.listener?.onData(Buffer.concat([1, 2, 3].map(ask)), []);
    assert.deepEqual(transport.counts(), [3]);
  });

  it("do not wait for more when they are long", () => {
    const { transport, report, server, calls } = serve();
    transport.listener?.onData(message({ procedure: 7, serial: 1 }, nothing, {}), []);
    report();
    assert.deepEqual(transport.counts(), [1]);
    calls[0]?.reply(rows.connectGetCapabilities.ret, { capabilities: "x".repeat(70_000) });
    assert.deepEqual(transport.counts(), [1]);
    assert.equal(server.state, "open");
  });

  it("are collected in one piece while the peer is slow, and leave when it has read", () => {
    const { world, transport, report } = serve();
    transport.slow = true;
    report();
    world.run();
    assert.deepEqual(transport.counts(), [1]);
    for (let count = 0; count < 1_000; count++) {
      report();
      world.run();
    }
    assert.ok(transport.pieces.length <= 2, "many pieces would be many objects");
    transport.drain();
    world.run();
    assert.equal(
      transport.counts().reduce((sum, count) => sum + count, 0),
      1_000,
    );
  });

  it("leave no trace when they do not fit their type", () => {
    const { world, transport, report, server } = serve();
    report();
    report();
    assert.throws(
      () => server.sendEvent(remote, "domainEventLifecycle", { dom: { ...dom, id: 2 ** 40 }, event: 2, detail: 0 }),
      ProtocolError,
    );
    report();
    world.run();
    assert.deepEqual(transport.counts(), [1, 2]);
  });

  it("are no reason to drop a peer that reads, however many there are in a turn", () => {
    const { world, transport, report, server } = serve({ backlog: 1_000 });
    for (let count = 0; count < 500; count++) report();
    world.run();
    assert.equal(server.state, "open");
    assert.equal(
      transport.counts().reduce((sum, count) => sum + count, 0),
      500,
    );
  });

  it("let the data of a stream follow when they are on their way", () => {
    const world = new World();
    const transport = new Pieces();
    const onCall = (call: IncomingCall): void => {
      const stream = call.openStream(rows.domainScreenshot, {}, { mime: "x".repeat(200) });
      stream.write(new Uint8Array(10)).catch(() => {});
    };
    new Connection(world.loop, transport, { backlog: 100 }).open({ onCall, onClose: () => {} });
    transport.listener?.onData(message({ procedure: rows.domainScreenshot.number }, nothing, {}), []);
    world.run();
    assert.deepEqual(transport.counts(), [1, 1]);
  });

  it("let calls that waited for them in, though a later message has taken them along", () => {
    const { world, transport, report, server, calls } = serve();
    transport.slow = true;
    report();
    for (let count = 0; count < 20; count++) server.sendEncoded(new Uint8Array(0), new Uint8Array(70_000));
    transport.listener?.onData(message({ procedure: 3 }, nothing, {}), []);
    transport.drain();
    assert.ok(server.isCongested, "not everything goes out in one turn");
    report();
    assert.equal(calls.length, 0);
    world.run();
    assert.equal(calls.length, 1);
  });

  it("are handed over before the connection closes", () => {
    const { transport, report, server } = serve();
    report();
    report();
    server.close();
    report();
    assert.deepEqual(transport.counts(), [1, 1]);
  });

  it("let an ending connection close, though the transport never had to wait", () => {
    const { world, transport, server, calls } = serve();
    const call = (serial: number): Uint8Array => message({ procedure: 3, serial, type: MessageType.call }, nothing, {});
    transport.listener?.onData(Buffer.concat([call(1), call(2)]), []);
    server.end();
    for (const each of calls) each.reply(rows.connectGetType.ret, { type: "Fake" });
    world.run();
    assert.deepEqual(transport.counts(), [1, 1]);
    assert.equal(server.state, "closed");
  });
});
